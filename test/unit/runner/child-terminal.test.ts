import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { lacks } from "../../support/programs.js";
import { Pty } from "../../support/pty.js";

const RUN_CHILD = join(import.meta.dirname, "child-process.mjs");

/** A shell's line that runs a child. */
const line = (request: object) => `'${process.execPath}' '${RUN_CHILD}' '${JSON.stringify(request)}'`;

/** A shell with job control. */
async function shell(): Promise<Pty> {
  const pty = new Pty("bash --norc --noprofile", { env: { PS1: "$ ", HISTFILE: "" } });
  await pty.shows("$ ");
  return pty;
}

const COUNTING = `n=0; trap "n=\\$((n+1)); echo got INT \\$n" INT; trap "echo counted \\$n; exit 4" TERM; echo ready $$; while :; do sleep 3 & wait; done`;

describe.skipIf(lacks("script", "bash", "ps"))("a child of a terminal", () => {
  it("gets Ctrl-C once, and goes on where it minds it", async () => {
    const pty = new Pty(line({ command: ["sh", "-c", COUNTING] }));
    await pty.shows("ready");
    pty.type("\u0003");
    await pty.shows("got INT 1");
    pty.type("\u0003");
    await pty.shows("got INT 2");
    pty.type("\u001C");
    expect(await pty.closed).toBe(131);
    expect(pty.screen).not.toContain("got INT 3");
  });

  it("ends by Ctrl-C, and with it a loop of the shell that runs it", async () => {
    const loop = `for i in 1 2 3; do ${line({ command: ["sh", "-c", "echo ready; exec sleep 60"] })}; done; echo next`;
    const pty = new Pty('bash -c "$LOOP"', { env: { LOOP: loop } });
    await pty.shows("ready");
    pty.type("\u0003");
    expect(await pty.closed).toBe(130);
    expect(pty.screen).not.toMatch(/next|ready[^]*ready/);
  });

  it("stops by Ctrl-Z, and goes on with fg", async () => {
    const pty = await shell();
    pty.type(`${line({ command: ["sh", "-c", "echo ready $((1+1)); read word; echo read $word; exit 5"] })}\r`);
    await pty.shows("ready 2");
    pty.type("\u001A");
    await pty.shows("Stopped");
    pty.type("echo shell $((20+3))\r");
    await pty.shows("shell 23");
    pty.type("fg\r");
    await pty.shows("child-process");
    pty.type("hello\r");
    await pty.shows("read hello");
    pty.type("echo code $?\r");
    await pty.shows("code 5");
    pty.type("exit\r");
    await pty.closed;
  });

  it("does not take what is typed to the shell when it runs in the background", async () => {
    const pty = await shell();
    pty.type(`${line({ command: ["sh", "-c", "cat; echo end of $((40+2))"] })} &\r`);
    await pty.shows("end of 42");
    pty.type("echo typed $((10+1))\r");
    await pty.shows("typed 11");
    pty.type("exit\r");
    await pty.closed;
  });

  it("does not reach past the scrubber by /dev/tty", async () => {
    const pty = new Pty(
      line({ command: ["sh", "-c", "echo a secret; (echo a secret > /dev/tty) 2>/dev/null || echo no tty"], mark: "secret" }),
    );
    await pty.closed;
    expect(pty.screen).toBe("a [MARKED]\r\nno tty\r\n");
  });

  it("has the terminal itself with --tty, and no coding agent has", async () => {
    const tty = { tty: true, mark: "secret" };
    const own = new Pty(line({ command: ["sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo secret > /dev/tty; exit 6"], ...tty }));
    expect([await own.closed, own.screen]).toEqual([6, "secret\r\n"]);
    const harness = new Pty(line({ command: ["true"], ...tty }), { env: { CLAUDECODE: "1" } });
    expect([await harness.closed, harness.screen]).toEqual([6, expect.stringContaining("[HARNESS_DENIED]")]);
  });

  it("gets Ctrl-C once with --tty as well, and other signals from us", async () => {
    const pty = new Pty(`exec ${line({ command: ["sh", "-c", COUNTING], tty: true })}`);
    await pty.shows("ready ");
    pty.type("\u0003");
    await pty.shows("got INT 1");
    const child = /ready (\d+)/.exec(pty.screen)![1]!;
    const runner = execFileSync("ps", ["-o", "ppid=", "-p", child], { encoding: "utf8" });
    process.kill(Number(runner), "SIGTERM");
    await pty.shows("counted 1");
    expect(await pty.closed).toBe(4);
  });

  it("ends with all that it started when its time is up with --tty, and the shell does not", async () => {
    const request = { command: ["sh", "-c", 'trap : TERM; sh -c "trap : TERM; sleep 60; sleep 60" & sleep 60; sleep 60'], tty: true };
    const pty = new Pty(`${line({ ...request, timeoutMs: 300, graceMs: 100 })}; echo code $?`);
    await pty.shows("code 124");
    expect(await pty.closed).toBe(0);
  });
});
