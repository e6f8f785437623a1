import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { cannot } from "../support/programs.js";
import { CLI, errorCode, Sandbox, type Outcome } from "../support/sandbox.js";

const UNKNOWN = 12_345;
const unable = cannot(process.getuid?.() === 0, "Only root can become a user whom the system does not know.");

/** As in a container that runs as a number: no name, no home and no shell in the list of users. */
class UnknownUser {
  readonly box = new Sandbox();
  readonly #env: Readonly<Record<string, string | undefined>>;

  /** @param home whether `HOME` says where to keep things, as nothing else does */
  constructor({ home }: { readonly home: boolean }) {
    const { USER: _name, HOME, ...env } = this.box.env;
    this.#env = home ? { ...env, HOME } : env;
  }

  async cli(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    await once(spawn("chown", ["-R", `${UNKNOWN}:${UNKNOWN}`, this.box.root]), "close");
    const child = spawn(process.execPath, [CLI, ...words], {
      cwd: this.box.repository,
      uid: UNKNOWN,
      gid: UNKNOWN,
      env: { ...this.#env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => {}).end("value");
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
  }
}

describe.skipIf(unable)("a user whom the system does not know", () => {
  it("can run every command with a home", async () => {
    const user = new UnknownUser({ home: true });
    const life =
      "--help|--version|get --help|hook --help|completions bash|init|set a/b|get a/b --no-pull|list|peek a/b|add-agent bot|grant bot a|list-agents|check|revoke bot a|recover-agent bot|restore-agent bot|move a/b c/d|scan|hook status|delete c/d|remove-agent bot";
    for (const line of life.split("|")) {
      const { code, stderr } = await user.cli(line.split(" "));
      expect({ line, code, stderr: code === 0 ? "" : stderr }).toEqual({ line, code: 0, stderr: "" });
    }
  });

  it("has nothing written without a home: what needs one says so, and all else works", async () => {
    const user = new UnknownUser({ home: false });
    const { box } = user;
    await box.ok("init", "--no-hook");
    await box.set("a/b", "a value of length");
    await box.ok("add-agent", "bot");
    await box.ok("grant", "bot", "a");
    for (const line of ["--help", "get --help", "list", "check", "completions bash"]) {
      const { code, stderr } = await user.cli(line.split(" "));
      expect({ line, code, stderr: code === 0 ? "" : stderr }).toEqual({ line, code: 0, stderr: "" });
    }
    const key = { AGENT_VAULT_KEY: readFileSync(box.agentKey("bot"), "utf8") };
    for (const words of [
      ["get", "a/b"],
      ["run", "--secret", "a/b", "--", "sh", "-c", 'test -z "$HOME" && echo "$A_B"'],
    ]) {
      const read = await user.cli(words, key);
      expect([read.code, read.stderr.match(/remembered/g)?.length]).toEqual([0, 1]);
    }
    expect((await user.cli(["get", "a/b"], key)).stdout.toString()).toBe("a value of length");

    expect(errorCode(await user.cli(["get", "a/b"]))).toBe("NO_KEY");
    expect(errorCode(await user.cli(["get", "a/b"], { ...key, AGENT_VAULT_AUDIT: "on" }))).toBe("UNWRITABLE");
    expect(errorCode(await user.cli(["init", join(box.root, "other")]))).toBe("UNWRITABLE");
    expect(errorCode(await user.cli(["add-agent", "next"], { AGENT_VAULT_KEY: box.ownerKey }))).toBe("UNWRITABLE");
    for (const HOME of ["", "home"]) expect(errorCode(await user.cli(["get", "a/b"], { HOME }))).toBe("NO_KEY");
  });
});

it("AGENT_VAULT_HOME is an absolute path", async () => {
  const box = new Sandbox();
  for (const words of [["init"], ["get", "a/b"], ["run", "--", "true"], ["mcp"], ["doctor"]]) {
    const refused = await box.cli(words, { env: { AGENT_VAULT_HOME: "keys" } });
    expect([words, refused.code, errorCode(refused)]).toEqual([words, 2, "USAGE"]);
    expect(refused.stderr).toContain("AGENT_VAULT_HOME");
  }
  expect(box.git("status", "--porcelain")).toBe("");
});
