import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { expect, it } from "vitest";
import { cannot } from "../support/programs.js";
import { CLI, Sandbox } from "../support/sandbox.js";

const UNKNOWN = 12_345;

/** As in a container that runs as a number: no name, no home and no shell in the list of users. Only root can become such a user. */
it.skipIf(cannot(process.getuid?.() === 0, "Only root can become a user whom the system does not know."))(
  "every command works for a user whom the system does not know",
  async () => {
    const box = new Sandbox();
    await once(spawn("chown", ["-R", `${UNKNOWN}:${UNKNOWN}`, box.root]), "close");
    const { USER: _name, ...known } = box.env;
    const run = async (words: readonly string[], env: Readonly<Record<string, string | undefined>> = known) => {
      const child = spawn(process.execPath, [CLI, ...words], {
        cwd: box.repository,
        uid: UNKNOWN,
        gid: UNKNOWN,
        env,
        stdio: ["pipe", "ignore", "pipe"],
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.stdin.on("error", () => {}).end("value");
      const [code] = (await once(child, "close")) as [number | null];
      return { words: words.join(" "), code, stderr: code === 0 ? "" : stderr };
    };
    const life =
      "--help|--version|get --help|hook --help|completions bash|init|set a/b|get a/b --no-pull|list|peek a/b|add-agent bot|grant bot a|list-agents|check|revoke bot a|recover-agent bot|restore-agent bot|move a/b c/d|scan|hook status|delete c/d|remove-agent bot";
    for (const line of life.split("|")) expect(await run(line.split(" "))).toEqual({ words: line, code: 0, stderr: "" });
    const { HOME: _home, ...homeless } = known;
    for (const line of ["--help", "list", "check"]) expect(await run([line], homeless)).toEqual({ words: line, code: 0, stderr: "" });
    expect((await run(["get", "a/b"], homeless)).stderr).toContain("NO_KEY");
  },
);
