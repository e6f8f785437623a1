import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { lives } from "../support/lives.js";
import { lacks } from "../support/programs.js";
import { Pty } from "../support/pty.js";
import { CLI, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const KEY = "correct-horse-battery-staple";
const [CTRL_C, CTRL_Z] = ["\u0003", "\u001A"];

const vault = prepared(async (box) => {
  await makeVault(box, { "db/password": { value: KEY, environment: "test", access: "read" } });
});

/** A shell at a terminal, in which `av` is agent-vault. */
async function shell(box: Sandbox): Promise<Pty> {
  const bin = join(box.root, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "av"), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 });
  const pty = new Pty("bash --norc --noprofile", {
    cwd: box.repository,
    env: { ...box.env, PATH: `${bin}:${box.env["PATH"]}`, PS1: "$ ", HISTFILE: "", PROMPT_COMMAND: "", TERM: "xterm" },
  });
  await pty.shows("$ ");
  pty.type(`bind 'set enable-bracketed-paste off'; tty; stty rows 31 cols 97; echo set up\n`);
  await pty.shows("\nset up");
  return pty;
}

const run = (words: string, flags = "") => `av run ${flags} --secret db/password=PW -- ${words}\n`;

describe.skipIf(lacks("script", "bash", "ps"))("run at a terminal", () => {
  it("gives the command a terminal of its own: scrubbed, of the same size, which follows a resize; exit code and settings are kept", async () => {
    const box = await vault();
    const pty = await shell(box);
    const own = /\/dev\/pts\/\d+/.exec(pty.screen)![0];
    pty.type("stty -ixon erase ^H; before=$(stty -g)\n");
    pty.type(
      run(
        `sh -c 'tty; stty size; stty -a | grep -o -e "-ixon" -e "erase = ^H"; printf "\\033[31mpw \${PW%%-*}-\\033[0m\${PW#*-}\\n" >/dev/tty; exit 7'`,
      ),
    );
    await pty.shows("\n/dev/pts/");
    await pty.shows("31 97");
    await pty.shows("erase = ^H");
    await pty.shows("-ixon");
    await pty.shows("pw ");
    await pty.shows("[REDACTED:db/password]");
    await pty.shows("$ ");
    pty.type('echo "code $?, $([ "$before" = "$(stty -g)" ] && echo same)"\n');
    await pty.shows("\ncode 7, same");
    expect(pty.screen.match(/\/dev\/pts\/\d+/g)![1]).not.toBe(own);
    expect(pty.screen).not.toContain(KEY);

    pty.type(run(`bash -c 'trap "stty size" WINCH; got=; echo waits; until [ "$got" ]; do read -t .1 -r got; done; echo "got $got"'`));
    await pty.shows("\nwaits");
    execFileSync("stty", ["-F", own, "rows", "40", "cols", "120"]);
    await pty.shows("40 120");
    pty.type("a line\n");
    await pty.shows("got a line");
    await pty.shows("$ ");
    pty.type(run(`sh -c '[ -t 0 ] && [ -t 1 ]; echo "pipes $?"'`, "--no-tty"));
    await pty.shows("\npipes 1");
  });

  it("passes on Ctrl-C, Ctrl-Z and fg, and every byte to a program that wants them so", async () => {
    const box = await vault();
    const pty = await shell(box);
    pty.type(`while :; do ${run("sh -c 'echo sleeps; exec sleep 60'").trim()}; done\n`);
    await pty.shows("\nsleeps");
    pty.type(CTRL_C);
    await pty.shows("$ ");
    pty.type('echo "loop is over"\n');
    await pty.shows("\nloop is over");

    pty.type(
      run(
        `sh -c 'echo begins; read -r line; echo "went on: $line"; stty raw -echo; echo ready; dd bs=1 count=4 2>/dev/null | od -An -tx1'`,
      ),
    );
    await pty.shows("\nbegins");
    pty.type(CTRL_Z);
    await pty.shows("Stopped");
    await pty.shows("$ ");
    pty.type("jobs -s | wc -l\n");
    await pty.shows("\n1");
    pty.type("fg\n");
    await pty.shows("sh -c");
    pty.type("now\n");
    await pty.shows("went on: now");
    await pty.shows("ready");
    pty.type(`${CTRL_C}${CTRL_Z}\r\u0000`);
    await pty.shows("03 1a 0d 00");
  });

  it("ends the command where agent-vault is killed, and gives the terminal back", async () => {
    const box = await vault();
    const pty = await shell(box);
    pty.type(run(`sh -c 'trap "" HUP; echo "pids $$ $PPID $(ps -o ppid= -p $PPID)"; exec sleep 60'`));
    await pty.shows("\npids ");
    await pty.shows("\n");
    const [, command, monitor, ours] = /\npids (\d+) (\d+) +(\d+)/.exec(pty.screen)!;
    process.kill(Number(ours), "SIGKILL");
    await expect.poll(() => [lives(command!), lives(monitor!)], { timeout: 8000 }).toEqual([false, false]);
    pty.type("stty -a | grep -o -w -e '-icanon' -e 'icanon'; echo looked\n");
    await pty.shows("\nlooked");
    expect(pty.screen).toMatch(/\nicanon\s+looked/);
  });

  it("refuses an approval that the command would type itself", async () => {
    const box = await vault();
    await box.cli(["set", "prod/key", "--environment", "production"], { input: "prod-value-that-is-long" });
    const pty = await shell(box);
    // The command asks for another secret, lets its parents go, and types on its own terminal.
    const asks = `'${process.execPath}' '${CLI}' run --secret prod/key -- sh -c 'echo leaked'`;
    box.write("asks.sh", `${asks} >asked 2>&1 <&0; echo "code $?" >>asked\n`);
    box.write("attack.sh", `(sh asks.sh </dev/tty &)\nwhile ! grep -q code asked 2>/dev/null; do :; done\n`);
    pty.type(run("sh attack.sh"));
    await pty.shows("attack.sh");
    for (const _ of Array.from({ length: 5 })) pty.type("once\n");
    await expect.poll(() => spawnSync("grep", ["-c", "code 6", join(box.repository, "asked")]).status, { timeout: 9000 }).toBe(0);
    expect(readFileSync(join(box.repository, "asked"), "utf8")).toContain("APPROVAL_UNAVAILABLE");
  });
});

describe.skipIf(lacks("script", "bash", "ps"))("what a command leaves behind", () => {
  it("goes on at a terminal and with pipes, scrubbed, and its output ends with it", async () => {
    const box = await vault();
    const pty = await shell(box);
    // One secret is written in two halves, before and after the command ends.
    const daemon = `sh -c 'echo ready; (printf "%s" "\${PW%%horse*}"; read -r go <fifo; echo "\${PW#correct-}"; echo "goes on: $PW") & sleep .3'`;
    execFileSync("mkfifo", [join(box.repository, "fifo")]);
    for (const flags of ["", "--no-tty"]) {
      pty.type(run(daemon, flags));
      await pty.shows("\nready");
      await pty.shows("$ ");
      pty.type("echo go >fifo\n");
      await pty.shows("goes on: [REDACTED:db/password]");
    }
    expect(pty.screen).not.toContain(KEY);
    expect(pty.screen).not.toContain("horse-battery-staple");
    await expect.poll(() => spawnSync("pgrep", ["-f", `${box.home}.*left-behind`]).status).toBe(1);
  });
});
