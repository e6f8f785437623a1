import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { askApproval, questionText, type UseRequest } from "#runner/index.js";
import { askByDialog } from "#runner/approval/dialog.js";
import { processContext } from "#vault/index.js";
import { lives } from "../../support/lives.js";
import { lacks } from "../../support/programs.js";
import { Pty } from "../../support/pty.js";
import { HOSTILE, REQUEST } from "./use-request.js";

const ASK = join(import.meta.dirname, "ask-approval.mjs");
const QUESTION = { request: REQUEST, forSession: true };

/** A request that poses as another one in every field that can be sent. */
const HOSTILE_REQUEST: UseRequest = {
  ...REQUEST,
  command: ["sh", "-c", ...Object.values(HOSTILE)],
  reason: Object.values(HOSTILE).join(" "),
  invocation: { ...REQUEST.invocation, folder: `/${HOSTILE.markup}${HOSTILE.lines}`, branch: HOSTILE.injection },
};

interface Answered {
  scope?: string;
  by?: string;
  code?: string;
  message?: string;
  remedy?: string;
}

function answersOf(text: string): Answered[] {
  return JSON.parse(/ANSWERS (.*)$/m.exec(text)![1]!.trim()) as Answered[];
}

/** A line of a shell that asks; the JSON is in the environment, where no quotes matter. */
const ASKING = `'${process.execPath}' '${ASK}' "$QUESTION" "$OPTIONS"`;

function onTerminal(
  question: object,
  options: object = {},
  { line = ASKING, env = {} }: { line?: string; env?: Record<string, string> } = {},
): Pty {
  return new Pty(line, { env: { QUESTION: JSON.stringify(question), OPTIONS: JSON.stringify(options), ...env } });
}

/** Asks where there is no terminal at all. */
async function withoutTerminal(
  question: object,
  env: Record<string, string> = {},
  options: object = {},
): Promise<{ answers: Answered[]; stderr: string }> {
  const child = spawn(process.execPath, [ASK, JSON.stringify(question), JSON.stringify(options)], {
    env: { PATH: process.env["PATH"], ...env },
    detached: true,
  });
  child.stdin.on("error", () => {}).end("once\n");
  const stderr = await text(child.stderr);
  return { answers: answersOf(stderr), stderr };
}

describe("AGENT_VAULT_APPROVE", () => {
  it.each([
    ["once", { scope: "once", by: "variable" }],
    ["session", { scope: "session", by: "variable" }],
    ["deny", { scope: "deny", code: "APPROVAL_DENIED" }],
    ["yes", { scope: "deny", code: "APPROVAL_DENIED" }],
    ["ONCE", { scope: "deny", code: "APPROVAL_DENIED" }],
    ["once ", { scope: "deny", code: "APPROVAL_DENIED" }],
  ])("%j answers", async (value, answer) => {
    expect((await withoutTerminal(QUESTION, { AGENT_VAULT_APPROVE: value })).answers).toEqual([expect.objectContaining(answer)]);
  });

  it("holds for one use where the policy wants to be asked each time", async () =>
    expect((await withoutTerminal({ ...QUESTION, forSession: false }, { AGENT_VAULT_APPROVE: "session" })).answers).toEqual([
      { scope: "once", by: "variable" },
    ]));

  it("cannot say yes for a coding agent, and can say no", async () => {
    const { answers, stderr } = await withoutTerminal(QUESTION, { AGENT_VAULT_APPROVE: "session", CLAUDECODE: "1" });
    expect([answers[0]?.code, stderr]).toEqual(["APPROVAL_UNAVAILABLE", expect.stringMatching(/warning: .*AGENT_VAULT_APPROVE/)]);
    const [denied] = (await withoutTerminal(QUESTION, { AGENT_VAULT_APPROVE: "deny", CLAUDECODE: "1" })).answers;
    expect(denied?.code).toBe("APPROVAL_DENIED");
  });
});

it("nobody to ask is no approval", async () => {
  for (const env of [{}, { AGENT_VAULT_APPROVE: "" }, { DISPLAY: ":0", PATH: "/nowhere" }] as Record<string, string>[]) {
    const { answers } = await withoutTerminal(QUESTION, { ...env, PATH: "/nowhere" });
    expect(answers).toEqual([{ code: "APPROVAL_UNAVAILABLE", remedy: expect.any(String) as string }]);
  }
});

describe.skipIf(lacks("script"))("on a terminal", () => {
  it.each([
    ["once", "once"],
    ["session", "session"],
    [" Once ", "once"],
    ["", "deny"],
    ["y", "deny"],
    ["yes", "deny"],
    ["deny", "deny"],
    ["onceonce", "deny"],
    ["\u001B[200~once", "deny"],
    ["show", "deny"],
    ["wrong\u0015once", "once"],
  ])("%j is an answer", async (typed, scope) => {
    const pty = onTerminal(QUESTION);
    await pty.shows("to deny: ");
    pty.type(`${typed}\r`);
    await pty.closed;
    expect(answersOf(pty.screen)[0]).toMatchObject({ scope, by: "terminal" });
    expect(pty.screen.replaceAll("\r", "")).toContain(questionText(REQUEST, { width: 80, lines: 6 }).text);
  });

  it.each([
    ["Ctrl-C", "\u0003", "interrupted"],
    ["Ctrl-D", "\u0004", "closed"],
    ["no answer in time", "on", "in time"],
  ])("%s is a no", async (_, typed, why) => {
    const pty = onTerminal(QUESTION, { timeoutMs: why === "in time" ? 300 : 60_000 }, { line: `exec ${ASKING}` });
    await pty.shows("to deny: ");
    pty.type(typed);
    await pty.closed;
    expect(answersOf(pty.screen)).toEqual([
      { scope: "deny", by: "terminal", code: "APPROVAL_DENIED", message: expect.stringContaining(why) as string },
    ]);
  });

  it("asks the person, whatever the standard streams are", async () => {
    const pty = onTerminal(
      QUESTION,
      {},
      { line: `echo once | ${ASKING} > /dev/null 2> "$OUT"; cat "$OUT"`, env: { OUT: join(folder(), "out") } },
    );
    await pty.shows("to deny: ");
    pty.type("no\r");
    await pty.closed;
    expect(answersOf(pty.screen)[0]).toMatchObject({ scope: "deny", by: "terminal" });
  });

  it("takes nothing that was typed before the question", async () => {
    const pty = onTerminal(QUESTION, {}, { line: `echo ready; read -r _; ${ASKING}` });
    await pty.shows("ready");
    pty.type("go\ronce\rsession\ronce\ron");
    await pty.shows("to deny: ");
    pty.type("ce\r");
    await pty.closed;
    expect(answersOf(pty.screen)[0]).toMatchObject({ scope: "deny", by: "terminal" });
  });

  it("a session's answer holds for the same use, and an answer for once does not", async () => {
    const other = { request: { ...REQUEST, command: ["other"] }, forSession: true };
    const pty = onTerminal([QUESTION, QUESTION, other, QUESTION]);
    await pty.shows("to deny: ");
    pty.type("session\r");
    await pty.shows("to deny: ");
    pty.type("once\r");
    await pty.closed;
    expect(answersOf(pty.screen).map(({ scope, by }) => [scope, by])).toEqual([
      ["session", "terminal"],
      ["session", "memory"],
      ["once", "terminal"],
      ["session", "memory"],
    ]);
  });

  it("offers no session where the policy wants to be asked each time", async () => {
    const pty = onTerminal([{ ...QUESTION, forSession: false }]);
    await pty.shows("to deny: ");
    pty.type("session\r");
    await pty.closed;
    expect(answersOf(pty.screen)[0]).toMatchObject({ scope: "deny" });
    expect(pty.screen).not.toContain("session to allow");
  });

  it("shows a long command in part, says so, and shows all of it when asked", async () => {
    const command = ["sh", "-c", Array.from({ length: 400 }, (_, index) => `step${index};`).join(" ")];
    const pty = onTerminal({ request: { ...REQUEST, command }, forSession: true });
    await pty.shows("characters are not shown here ]");
    await pty.shows("show to see all of it");
    await pty.shows("to deny: ");
    expect(pty.screen).not.toContain("step200;");
    pty.type("show\r");
    await pty.shows("step200;");
    await pty.shows("to deny: ");
    pty.type("once\r");
    await pty.closed;
    expect(answersOf(pty.screen)[0]).toMatchObject({ scope: "once" });
  });

  it("shows a hostile request harmlessly", async () => {
    const pty = onTerminal({ request: HOSTILE_REQUEST, forSession: true });
    await pty.shows("to deny: ");
    const shown = pty.screen.replaceAll("\r\n", "\n");
    expect(shown.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u);
    expect(shown.match(/^Secrets /gm)).toHaveLength(1);
    expect(shown.match(/^Type once/gm)).toHaveLength(1);
    pty.type("\r");
    await pty.closed;
  });

  it("is not asked on where a coding agent could answer", async () => {
    const pty = onTerminal({ ...QUESTION, request: { ...REQUEST, invocation: { ...REQUEST.invocation, harness: "codex" } } });
    await pty.closed;
    expect(answersOf(pty.screen)[0]?.code).toBe("APPROVAL_UNAVAILABLE");
    const detected = onTerminal(QUESTION, {}, { env: { CURSOR_AGENT: "1" } });
    await detected.closed;
    expect(answersOf(detected.screen)[0]?.code).toBe("APPROVAL_UNAVAILABLE");
    const server = onTerminal(QUESTION, { terminal: false });
    await server.closed;
    expect(answersOf(server.screen)[0]?.code).toBe("APPROVAL_UNAVAILABLE");
  });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface Fake {
  readonly env: Record<string, string>;
  given(): { words: string[]; env: string[] };
}

/** A folder for PATH with a program that records its words and environment, and then does what is said. */
function fake(program: string, behaviour: string): Fake {
  const path = folder();
  const record = `printf '%s\\0' "$@" > '${path}/words'; /usr/bin/env -0 > '${path}/env'; PATH=/usr/bin:/bin`;
  // With a button pressed, zenity --switch exits with 1.
  const exitCode = program === "zenity" ? 1 : 0;
  writeFileSync(join(path, program), `#!/bin/sh\n${record}\n${behaviour}\nexit ${exitCode}\n`, { mode: 0o755 });
  const read = (file: string) => readFileSync(join(path, file), "utf8").split("\0").slice(0, -1);
  return {
    env: { PATH: path, DISPLAY: ":99", AGENT_VAULT_KEY: "k", HOME: "/h" },
    given: () => ({ words: read("words"), env: read("env") }),
  };
}

const DIALOGS = [
  ["linux", "zenity"],
  ["linux", "kdialog"],
  ["darwin", "osascript"],
  ["win32", "powershell.exe"],
] as const;

/** What a dialog program says and does before it ends as it does when a button was pressed, and what that means. */
const SAYINGS = [
  ["echo 'Allow once'", "once"],
  ["printf 'Allow once\\r\\n'", "once"],
  ["echo 'Allow for this session'", "session"],
  ["echo Deny", "deny"],
  ["", "deny"],
  ["echo 'Allow once'; exit 3", "deny"],
  ["echo 0", "deny"],
  ["echo allow once", "deny"],
  ["echo 'Allow once'; echo 'Allow once'", "deny"],
  ["echo ' Allow once'", "deny"],
  ["echo 'Allow once'; kill -SEGV $$", "deny"],
  ["kill -9 $$", "deny"],
  ["head -c 100000 /dev/zero", "deny"],
  ["echo 'Allow once' >&2", "deny"],
] as const;

describe.each(DIALOGS)("on %s, %s", (platform, program) => {
  const ask = (dialog: Fake, request = REQUEST, forSession = true, timeout = 20_000) =>
    // The paths of Windows are tried out on this system.
    askByDialog(dialog.env, { request, forSession }, timeout, platform);

  it.each(program === "zenity" ? SAYINGS : SAYINGS.slice(0, 6))("that does %j is %s", async (behaviour, scope) =>
    expect(await ask(fake(program, behaviour))).toMatchObject({ scope }),
  );

  it("offers no session where there is none to have", async () => {
    const dialog = fake(program, "echo 'Allow for this session'");
    expect(await ask(dialog, REQUEST, false)).toMatchObject({ scope: "deny" });
    expect(JSON.stringify(dialog.given().words)).not.toContain("session");
  });

  it("that does not answer in time is a no, and is gone", async () => {
    const pid = join(folder(), "pid");
    const dialog = fake(program, `echo $$ > '${pid}'; exec sleep 60`);
    const reply = await ask(dialog, REQUEST, true, 400);
    expect(reply).toEqual({ scope: "deny", why: "nobody answered in time." });
    await vi.waitUntil(() => !lives(readFileSync(pid, "utf8").trim()));
  });

  it("gets the text as data, in one piece, and nothing of ours in its environment", async () => {
    const dialog = fake(program, "echo Deny");
    await ask(dialog, HOSTILE_REQUEST);
    const harmless = fake(program, "echo Deny");
    await ask(harmless);
    const { words, env } = dialog.given();
    const { text, complete } = questionText(HOSTILE_REQUEST, { width: 88, lines: 16 });
    expect(complete).toBe(false);
    const asked = `${text}\n\nNot all of it is shown here.`;
    const html = asked.replace(/[&<>"'\\%]/g, (character) => `&#${character.codePointAt(0)};`);
    const expected = {
      zenity: `--text=${asked}`,
      kdialog: `<qt><pre align="left">${html}</pre></qt>`,
      osascript: asked,
      "powershell.exe": undefined,
    }[program];
    if (expected === undefined) expect(env).toContain(`QUESTION=${asked}\n\nAllow it once?`);
    else expect(words).toContain(expected);
    // All else that it is given does not depend on who asks what.
    expect(words.filter((word) => word !== expected)).toEqual(harmless.given().words.filter((_, index) => words[index] !== expected));
    expect(env.filter((variable) => variable.startsWith("AGENT_VAULT"))).toEqual([]);
    expect(existsSync("/tmp/pwned")).toBe(false);
  });

  it("says where it cannot show all", async () => {
    const dialog = fake(program, "echo Deny");
    await ask(dialog, { ...REQUEST, command: ["x".repeat(100_000)] });
    expect(JSON.stringify(dialog.given())).toContain("Not all of it is shown here.");
  });
});

describe("a dialog", () => {
  it("asks where there is no terminal, for a coding agent too", async () => {
    const { env } = fake("zenity", "echo 'Allow once'");
    for (const more of [{}, { CLAUDECODE: "1" }] as Record<string, string>[])
      expect((await withoutTerminal(QUESTION, { ...env, ...more })).answers).toEqual([{ scope: "once", by: "dialog" }]);
  });

  it("needs a display", async () => {
    const { env } = fake("zenity", "echo 'Allow once'");
    expect(await askByDialog({ PATH: env["PATH"]! }, QUESTION, 1000, "linux")).toBeUndefined();
    expect(await askByDialog({ PATH: env["PATH"]!, WAYLAND_DISPLAY: "w" }, QUESTION, 20_000, "linux")).toMatchObject({ scope: "once" });
  });

  it("that cannot be started is a no", async () => {
    const path = folder();
    writeFileSync(join(path, "zenity"), "#!/no/such/interpreter\n", { mode: 0o755 });
    expect(await askByDialog({ PATH: path, DISPLAY: ":0" }, QUESTION, 1000, "linux")).toMatchObject({ scope: "deny" });
  });

  it("is closed by an interrupt, which is a no", async () => {
    const path = folder();
    const shown = join(path, "shown");
    const { env } = fake("zenity", `echo $$ > '${shown}'; exec sleep 60`);
    const watcher = watch(path);
    const asking = spawn(process.execPath, [ASK, JSON.stringify(QUESTION)], { env, detached: true });
    let stderr = "";
    asking.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    while (!existsSync(shown)) await once(watcher, "change");
    watcher.close();
    process.kill(asking.pid!, "SIGINT");
    await once(asking, "close");
    expect(answersOf(stderr)[0]).toMatchObject({ scope: "deny", by: "dialog", code: "APPROVAL_DENIED" });
  });
});

it("an answer of no comes with the error to fail with, and asks nobody twice", async () => {
  const context = processContext({ env: { AGENT_VAULT_APPROVE: "deny" } });
  const answer = await askApproval(context, QUESTION);
  expect(answer).toMatchObject({ scope: "deny", by: "variable", error: { code: "APPROVAL_DENIED", exitCode: 6 } });
});
