import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Transform, Writable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { childEnvironment, cleanEnvironment, runChild, shellCommand, type ChildEnd } from "#runner/index.js";
import { lives } from "../../support/lives.js";
import { lacks } from "../../support/programs.js";

const RUN_CHILD = join(import.meta.dirname, "child-process.mjs");

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Ended = Omit<ChildEnd, "passedOn"> & { passedOn: string[] };

/** Runs a child in a process of its own. */
function start(request: object, options: { env?: Record<string, string>; detached?: boolean } = {}) {
  const endFile = join(newFolder(), "end.json");
  const runner = spawn(process.execPath, [RUN_CHILD, JSON.stringify(request), endFile], {
    env: { PATH: process.env["PATH"], ...options.env },
    detached: options.detached,
  });
  onTestFinished(() => void runner.kill("SIGKILL"));
  let [out, err] = ["", ""];
  runner.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
  runner.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("latin1")));
  const closed = once(runner, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    out,
    err,
    end: existsSync(endFile) ? (JSON.parse(readFileSync(endFile, "utf8")) as Ended) : undefined,
  }));
  async function says(text: string): Promise<void> {
    while (!out.includes(text)) await once(runner.stdout, "data");
  }
  return { runner, closed, says };
}

function run(request: object, options: { env?: Record<string, string>; input?: string | Buffer } = {}) {
  const started = start(request, options);
  started.runner.stdin.end(options.input ?? "");
  return started.closed;
}

const sh = (line: string) => ["/bin/sh", "-c", line];

/** A shell that counts the signals that it gets, ends with TERM, and is ready when it says so. */
const COUNTING = sh(
  `for s in INT HUP QUIT USR1 USR2 WINCH; do eval "$s=0; trap '$s=\\$(($s+1)); echo got $s \\$$s' $s"; done
   trap 'echo INT $INT HUP $HUP QUIT $QUIT USR1 $USR1 USR2 $USR2 WINCH $WINCH; exit 3' TERM
   echo ready; while :; do sleep 3 & wait; done`,
);

describe("a child", () => {
  it("gets its words as they are, the secrets beside its environment, and nothing of agent-vault's own", async () => {
    const words = ["", " a  b ", "*", "$HOME", "'\"\\", "--", "--shell", "é\n\t"];
    const secrets = { KEY: " line\nline ", PATH: process.env["PATH"]! };
    const node = "process.stdout.write(JSON.stringify([process.argv.slice(1), process.env]))";
    const { out, code } = await run(
      { command: [process.execPath, "-e", node, "--", ...words], secrets },
      { env: { KEY: "old", OTHER: "kept", AGENT_VAULT_KEY: "k", AGENT_VAULT_TOKEN: "t", AGENT_VAULT_HOME: "h", AGENT_VAULT_ANY: "a" } },
    );
    expect(code).toBe(0);
    expect(JSON.parse(Buffer.from(out, "latin1").toString())).toEqual([words, { ...secrets, OTHER: "kept" }]);
  });

  it("has only what is harmless of the environment where that is asked for", () => {
    const env = { PATH: "/bin", HOME: "/h", LC_ALL: "C", TZ: "UTC", CI: "1", AWS_SECRET_ACCESS_KEY: "x", NODE_OPTIONS: "y", Path: "z" };
    expect(childEnvironment(env, { AWS_KEY: "s" }, { clean: true })).toEqual({
      PATH: "/bin",
      HOME: "/h",
      LC_ALL: "C",
      TZ: "UTC",
      CI: "1",
      AWS_KEY: "s",
    });
    expect(cleanEnvironment({ Path: "p", SystemRoot: "r", SECRET: "s" }, "win32")).toEqual({ Path: "p", SystemRoot: "r" });
  });

  it("can be a line for a shell", async () => {
    const { out } = await run({ command: ["echo", "$WHO | tr a-z A-Z"], shell: true, secrets: { WHO: "me" } });
    expect(out).toBe("ME\n");
    expect(shellCommand(["a | b"], { SHELL: "/usr/bin/zsh" }, "linux")).toEqual(["/usr/bin/zsh", "-c", "a | b"]);
    expect(shellCommand(["a | b"], { SHELL: "zsh" }, "linux")).toEqual(["/bin/sh", "-c", "a | b"]);
    expect(shellCommand(["a", "| b"], { ComSpec: "C:\\cmd.exe" }, "win32")).toEqual(["C:\\cmd.exe", "/d", "/s", "/c", '"a | b"']);
  });

  it("reads our standard input, bytes and all, and no more of it than it takes", async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    expect((await run({ command: ["cat"] }, { input })).out).toBe(input.toString("latin1"));
    const both = spawnSync("/bin/sh", ["-c", `"$0" "$1" '{"command":["true"]}'; cat`, process.execPath, RUN_CHILD], { input: "left" });
    expect(both.stdout.toString()).toBe("left");
    const closed = spawnSync("/bin/sh", ["-c", `"$0" "$1" '{"command":["cat"]}' <&-`, process.execPath, RUN_CHILD]);
    expect([closed.status, closed.stdout.length]).toEqual([0, 0]);
  });

  it("writes through the transform, also by way of /dev/stdout and /dev/stderr", async () => {
    const { out, err } = await run({
      command: sh("echo a secret; echo a secret >&2; echo secret > /dev/stdout; echo secret > /dev/stderr"),
      mark: "secret",
    });
    expect([out, err]).toEqual(["a [MARKED]\n[MARKED]\n", "a [MARKED]\n[MARKED]\n"]);
  });

  it.skipIf(process.platform !== "linux")("keeps the order of what it writes to both outputs where they go to one place", () => {
    const file = join(newFolder(), "output");
    const command = sh("for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done");
    spawnSync("/bin/sh", ["-c", '"$0" "$1" "$2" >"$3" 2>&1', process.execPath, RUN_CHILD, JSON.stringify({ command }), file]);
    const lines = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((number) => [`out ${number}`, `err ${number}`]);
    expect(readFileSync(file, "utf8").trimEnd().split("\n")).toEqual(lines);
  });

  it("gives us its exit code, and 128 and the number of the signal that ended it", async () => {
    expect(await run({ command: sh("exit 7") })).toMatchObject({ code: 7, end: { exitCode: 7, timedOut: false } });
    for (const [signal, number] of [
      ["KILL", 9],
      ["TERM", 15],
      ["INT", 2],
    ] as const) {
      const { code, end } = await run({ command: sh(`kill -${signal} $$`) });
      expect({ code, end }).toMatchObject({ code: 128 + number, end: { exitCode: 128 + number, signal: `SIG${signal}` } });
    }
  });

  it.each([
    ["a name that is nowhere", { command: ["no-such-program"] }, "COMMAND_NOT_FOUND", 127],
    ["a path that is nowhere", { command: ["./no-such-program"] }, "COMMAND_NOT_FOUND", 127],
    ["a file without permission", { command: ["/etc/passwd"] }, "COMMAND_NOT_EXECUTABLE", 126],
    ["a folder", { command: ["/"] }, "COMMAND_NOT_EXECUTABLE", 126],
    ["a path through a file", { command: ["/etc/passwd/x"] }, "COMMAND_NOT_EXECUTABLE", 126],
    ["a secret too long", { command: ["true"], secrets: { BIG: "x".repeat(200_000) } }, "ENVIRONMENT_TOO_LARGE", 126],
    ["a secret with NUL", { command: ["true"], secrets: { NUL: "se\0cret" } }, "INVALID_VALUE", 2],
    ["no words", { command: [] }, "USAGE", 2],
    ["a word with NUL", { command: ["true", "a\0b"] }, "USAGE", 2],
    ["no such folder", { command: ["true"], cwd: "/no/such/folder" }, "FILE_NOT_FOUND", 3],
    ["no terminal to hand over", { command: ["true"], tty: true }, "USAGE", 2],
  ])("that cannot run, for %s, is refused", async (_, request, errorCode, exitCode) => {
    const folder = newFolder();
    const file = join(folder, "request.json");
    writeFileSync(file, JSON.stringify(request));
    const bridge = `process.argv[2] = require("fs").readFileSync(${JSON.stringify(file)}, "utf8")`;
    writeFileSync(join(folder, "bridge.cjs"), bridge);
    const ended = spawnSync(process.execPath, ["--require", join(folder, "bridge.cjs"), RUN_CHILD, "-"], { encoding: "utf8" });
    expect([ended.stderr, ended.status, ended.stdout]).toEqual([expect.stringContaining(`[${errorCode}]`), exitCode, ""]);
    expect(ended.stderr).not.toMatch(/cret|xxx/);
  });

  it("whose interpreter is missing is not executable, and not unknown", async () => {
    const script = join(newFolder(), "script");
    writeFileSync(script, "#!/no/such/interpreter\n", { mode: 0o755 });
    expect((await run({ command: [script] })).err).toContain("[COMMAND_NOT_EXECUTABLE]");
    expect((await run({ command: ["script"] }, { env: { PATH: script.slice(0, -7) } })).err).toContain("[COMMAND_NOT_EXECUTABLE]");
  });

  it("leaves no descriptor of a refused program behind", async () => {
    const output = () => ({ through: new PassThrough(), to: new PassThrough() });
    const open = () => spawnSync("ls", [`/proc/${process.pid}/fd`], { encoding: "utf8" }).stdout.split("\n").length;
    const before = open();
    for (let round = 0; round < 10; round++) {
      await expect(
        runChild({ command: ["no-such-program"], cwd: "/", env: {}, stdin: "ignore", stdout: output(), stderr: output() }),
      ).rejects.toMatchObject({ code: "COMMAND_NOT_FOUND" });
    }
    await vi.waitUntil(() => open() < before + 10);
    expect(process.listenerCount("SIGTERM") + process.listenerCount("SIGTSTP")).toBe(0);
  });
});

describe("signals", () => {
  it("reach the child and what it started once each", async () => {
    const { runner, closed, says } = start({ command: COUNTING });
    await says("ready");
    for (const signal of ["INT", "HUP", "QUIT", "USR1", "USR2", "WINCH"] as const) {
      runner.kill(`SIG${signal}`);
      await says(`got ${signal} 1`);
    }
    runner.kill("SIGTERM");
    const { out, code, end } = await closed;
    expect(out.trim().split("\n").at(-1)).toBe("INT 1 HUP 1 QUIT 1 USR1 1 USR2 1 WINCH 1");
    expect([code, end?.exitCode, end?.passedOn]).toEqual([
      3,
      3,
      ["SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTERM"],
    ]);
  });

  it("that end the child are told as the exit code, and an interrupt ends us like it", async () => {
    for (const [signal, outcome] of [
      ["SIGTERM", [143, null]],
      ["SIGHUP", [129, null]],
      ["SIGINT", [null, "SIGINT"]],
    ] as const) {
      const { runner, closed, says } = start({ command: sh("echo ready; exec sleep 60") });
      await says("ready");
      runner.kill(signal);
      const { code, signal: endedBy, out, end } = await closed;
      expect([code, endedBy, out, end?.signal]).toEqual([...outcome, "ready\n", signal]);
    }
  });
});

describe("a runner that is killed", () => {
  it("takes the child and what it started with it, also when its whole group is", async () => {
    for (const whom of [1, -1]) {
      const { runner, says, closed } = start(
        { command: sh("sh -c 'echo grandchild $$; exec sleep 60' & echo own child $$; wait") },
        { detached: true },
      );
      await says("grandchild");
      await says("own child");
      process.kill(whom * runner.pid!, "SIGKILL");
      const pids = [...(await closed).out.matchAll(/child (\d+)/g)].map(([, pid]) => pid!);
      expect(pids).toHaveLength(2);
      await vi.waitUntil(() => !pids.some(lives));
    }
  });
});

describe("time that is up", () => {
  it("ends all that the child started, and what does not heed that, too", async () => {
    const stubborn = `trap '' TERM; echo child $$; sh -c 'trap "" TERM; echo grandchild $$; while :; do sleep 60; done' & while :; do sleep 60; done`;
    const { closed, says } = start({ command: sh(stubborn), timeoutMs: 300, graceMs: 100 });
    await says("grandchild");
    const { code, end, out } = await closed;
    expect([code, end?.timedOut, end?.signal]).toEqual([124, true, "SIGKILL"]);
    const pids = [...out.matchAll(/child (\d+)/g)].map(([, pid]) => pid!);
    expect(pids.map(lives)).toEqual([false, false]);
  });

  it("waits no longer than the child needs to end in order", async () => {
    const { code, out } = await run({ command: sh("trap 'echo in order; exit 0' TERM; sleep 60 & wait"), timeoutMs: 300, graceMs: 60_000 });
    expect([code, out]).toEqual([124, "in order\n"]);
  });

  it("is not up for a child that was faster", async () =>
    expect(await run({ command: ["true"], timeoutMs: 60_000 })).toMatchObject({ code: 0, end: { timedOut: false } }));
});

describe("a child that is no longer wanted", () => {
  const request = (signal: AbortSignal, to: PassThrough) => ({
    command: sh(`trap 'exit 9' TERM; sh -c 'echo grandchild $$; exec sleep 60' & echo child $$; wait`),
    cwd: tmpdir(),
    env: { PATH: process.env["PATH"] },
    stdin: "ignore" as const,
    signal,
    stdout: { through: new PassThrough(), to },
    stderr: { through: new PassThrough(), to: new PassThrough().resume() },
  });

  it("ends with all that it started", async () => {
    const cancellation = new AbortController();
    const stdout = new PassThrough();
    let out = "";
    stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (/grandchild \d+\n/.test(out) && /^child \d+\n/m.test(out)) cancellation.abort();
    });
    expect(await runChild(request(cancellation.signal, stdout))).toMatchObject({ cancelled: true, timedOut: false, exitCode: 9 });
    expect([...out.matchAll(/child (\d+)/g)].map(([, pid]) => lives(pid!))).toEqual([false, false]);
  });

  it("is not begun", async () =>
    expect(runChild(request(AbortSignal.abort(), new PassThrough()))).rejects.toMatchObject({ code: "FAILED" }));
});

describe("a child that ends before its output does", () => {
  it("ends us with all that it wrote, though what it left behind holds the pipe", async () => {
    const { out, code } = await run({ command: sh("sleep 60 & echo $!; head -c 60000 /dev/zero; exit 5") });
    process.kill(Number(out.split("\n")[0]));
    expect([code, out.length]).toEqual([5, out.indexOf("\n") + 1 + 60_000]);
  });

  it("ends us though what it left behind goes on writing", async () => {
    const { code, out } = await run({ command: sh("(while echo more; do :; done) & echo $!; exit 6") });
    process.kill(Number(/^\d+$/m.exec(out)![0]), "SIGKILL");
    expect([code, out.replaceAll(/more\n|^\d+\n/gm, "")]).toEqual([6, expect.stringMatching(/^(?:m(?:or?)?e?)?$/)]);
  });

  it.skipIf(lacks("bash", "yes"))("ends by a broken pipe when our reader has seen enough, as in a shell", () => {
    const line = `"$0" "$1" '{"command":["sh","-c","yes; echo $? >&2; exit 9"]}' | head -1`;
    const { stdout, stderr } = spawnSync("/bin/bash", ["--norc", "-c", `${line}; echo "\${PIPESTATUS[0]}"`, process.execPath, RUN_CHILD], {
      encoding: "utf8",
    });
    expect([stdout, stderr]).toEqual(["y\n9\n", "141\n"]);
    const plain = spawnSync(
      "/bin/bash",
      ["--norc", "-c", `"$0" "$1" '{"command":["yes"]}' | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, RUN_CHILD],
      { encoding: "utf8" },
    );
    expect([plain.stdout, plain.stderr]).toEqual(["y\n141\n", ""]);
  });

  it("ends us with all that it wrote, though nobody has read it yet when it ends", async () => {
    const go = join(newFolder(), "go");
    spawnSync("mkfifo", [go]);
    let read = 0;
    let readOn: (() => void) | undefined;
    // Holds on to the first byte, and so takes no more.
    const through = new Transform({
      highWaterMark: 1,
      transform: (chunk, _, done) => {
        if (readOn) return done(null, chunk);
        readOn = () => done(null, chunk);
        writeFileSync(go, "");
      },
    });
    const to = new Writable({ write: (chunk: Buffer, _, done) => ((read += chunk.length), done()) });
    const said = new PassThrough();
    const ended = runChild({
      command: sh(`sleep 60 & echo $! >&2; printf x; read -r _ < ${go}; head -c 60000 /dev/zero; exit 4`),
      cwd: "/",
      env: { PATH: process.env["PATH"] },
      stdin: "ignore",
      stdout: { through, to },
      stderr: { through: new PassThrough(), to: said },
    });
    // The signals are our own again once the child has ended.
    await vi.waitUntil(() => readOn && process.listenerCount("SIGTERM") === 0);
    readOn!();
    expect([(await ended).exitCode, read]).toEqual([4, 60_001]);
    process.kill(Number(said.read()));
  });
});
