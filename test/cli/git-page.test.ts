import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CLI, Sandbox, type Outcome } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/git.md"), "utf8");

/** What the page tells the reader to type on somebody's machine, and lines of what is printed then. */
interface Step {
  readonly who: string;
  readonly script: string;
  readonly shown: readonly string[];
}

/** Each `sh` block of the page begins with whose it is; a `text` block right below it shows lines of the output, in their order. */
function stepsOf(page: string): Step[] {
  const blocks = page.matchAll(/^```sh\n# (\w+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms);
  return [...blocks].map(([, who, script, shown]) => ({ who: who!, script: script!, shown: (shown ?? "").split("\n").filter(Boolean) }));
}

/** What the host does in the page: a pull request is merged as one commit, and its branch deleted. */
const GH = `#!/bin/sh
set -e
[ "$2" = merge ] || exit 0
clone=$(mktemp -d)
git clone --quiet "$HOST/shop.git" "$clone" && cd "$clone"
git merge --quiet --squash "origin/$3" && git commit --quiet --message "$3"
git push --quiet origin main ":$3"
rm -rf "$clone"
`;

/** The machines of the page, with nothing but git between them. */
class Machines {
  readonly #box = new Sandbox();
  readonly #folders = new Map<string, string>();
  #owner = "";

  /** A vault with one secret that `ci` reads, on a remote. */
  async prepare(): Promise<void> {
    const box = this.#box;
    await makeVault(box, { "stripe/api-key": "sk_live_1" }, { ci: ["stripe"] });
    // The page is read faster than a minute passes.
    appendFileSync(join(box.vault, "config.yaml"), "settings:\n  pull_interval: 0\n");
    await box.sign();
    box.git("tag", "v1");
    box.git("init", "--quiet", "--bare", join(box.root, "host/shop.git"));
    box.git("push", "--quiet", join(box.root, "host/shop.git"), "main", "v1");
    appendFileSync(join(box.root, "gitconfig"), `[url "file://${box.root}/host/"]\n\tinsteadOf = https://git.example.com/\n`);
    this.#owner = /(?<=# owner: ).+/.exec(readFileSync(box.agentKey("ci"), "utf8"))![0];

    const programs = join(box.root, "bin");
    mkdirSync(programs);
    symlinkSync(CLI, join(programs, "agent-vault"));
    writeFileSync(join(programs, "gh"), GH);
    chmodSync(join(programs, "gh"), 0o755);
    for (const who of ["Ann", "Ben", "CI"]) mkdirSync(join(box.root, who, ".agent-vault"), { recursive: true, mode: 0o700 });
    copyFileSync(box.ownerKey, join(box.root, "Ann/.agent-vault/owner.key"));
  }

  /** Runs a block up to the first command that fails. What somebody does next, they do in the folder where they were. */
  async run({ who, script }: Step): Promise<Outcome & { readonly output: string }> {
    const box = this.#box;
    const [home, last, all] = [join(box.root, who), join(box.root, `${who}.folder`), join(box.root, "output")];
    const outcome = await box.run("sh", ["-c", `exec >"$OUTPUT" 2>&1\ntrap 'pwd >"$LAST"' EXIT\nset -e\n${script}`], {
      cwd: this.#folders.get(who) ?? home,
      env: {
        PATH: `${box.root}/bin:${process.env["PATH"]}`,
        HOME: home,
        HOST: `${box.root}/host`,
        LAST: last,
        OUTPUT: all,
        ...this.#own(who),
      },
    });
    this.#folders.set(who, readFileSync(last, "utf8").trim());
    return { ...outcome, output: readFileSync(all, "utf8") };
  }

  #own(who: string): Record<string, string> {
    if (who === "Ben") return { AGENT_VAULT_OWNER: this.#owner };
    return who === "CI" ? { CI: "true", AGENT_VAULT_KEY: this.#box.agentKey("ci") } : {};
  }
}

describe("docs/git.md", () => {
  const steps = stepsOf(PAGE);

  it("has no commands but those that are run here", () => {
    expect(steps.length).toBe(PAGE.split("\n").filter((line) => line === "```sh").length);
    expect(steps.flatMap(({ shown }) => shown).length).toBeGreaterThan(10);
  });

  it("shows commands that work, and what they print", async () => {
    const machines = new Machines();
    await machines.prepare();
    for (const step of steps) {
      const { code, output } = await machines.run(step);
      let rest = output;
      for (const line of step.shown) {
        expect(rest, `${step.who}:\n${step.script}`).toContain(line.trim());
        rest = rest.slice(rest.indexOf(line.trim()) + line.trim().length);
      }
      const isRefused = step.shown.some((line) => line.startsWith("error: "));
      expect(code === 0, `${step.who}:\n${step.script}\n${output}`).toBe(!isRefused);
    }
  }, 180_000);
});
