import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lacks } from "../support/programs.js";
import { CLI, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

/** Runs a command on a terminal of its own; each answer is typed once its question shows. @returns what the screen showed, and the exit code */
function onTerminal(
  box: Sandbox,
  words: readonly string[],
  dialogue: readonly (readonly [question: string, answer: string])[],
): Promise<{ screen: string; code: number | null }> {
  return shellOnTerminal(box, [process.execPath, CLI, ...words].map((word) => `'${word}'`).join(" "), dialogue);
}

/** As `onTerminal`, for a line of the shell. */
function shellOnTerminal(
  box: Sandbox,
  line: string,
  dialogue: readonly (readonly [question: string, answer: string])[],
): Promise<{ screen: string; code: number | null }> {
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    cwd: box.repository,
    env: { ...box.env, TERM: "xterm" },
  });
  let screen = "";
  let read = 0;
  const questions = [...dialogue];
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    const next = questions[0];
    if (next && screen.includes(next[0], read)) {
      read = screen.length;
      questions.shift();
      child.stdin.write(next[1]);
    }
  });
  return new Promise((done) => child.on("close", (code) => done({ screen, code })));
}

describe.skipIf(lacks("script"))("on a terminal", () => {
  it("set asks for the value, which does not show, corrections included", async () => {
    const box = new Sandbox();
    await makeVault(box);
    const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", "sesamx\u007Fe ünd 🔑\r"]]);
    expect(code).toBe(0);
    expect(screen).not.toContain("sesam");
    expect((await box.cli(["get", "a/b"])).stdout.toString()).toBe("sesame ünd 🔑");
  });

  it("get ends the line that the value is in", async () => {
    const box = new Sandbox();
    await makeVault(box, { "a/b": "sesame", "a/lines": "open\nsesame\n" });
    expect((await onTerminal(box, ["get", "a/b"], [])).screen).toBe("sesame\r\n");
    expect((await onTerminal(box, ["get", "a/lines"], [])).screen).toBe("open\r\nsesame\r\n");
  });

  const pem = `-----BEGIN PRIVATE KEY-----\n${"bGluZQ\n".repeat(1000)}-----END PRIVATE KEY-----`;

  it.each([
    ["in brackets", `\u001B[200~${pem.replaceAll("\n", "\r")}\r\u001B[201~\r`, pem],
    ["as if it were typed", `${pem.replaceAll("\n", "\r")}\r`, pem],
    ["after a correction", "wrong\u0015\u001B[200~right\u001B[201~\r", "right"],
  ])("a paste that the terminal sends %s is stored whole, and no line of it reaches the shell", async (_, sent, value) => {
    const box = new Sandbox();
    await makeVault(box);
    const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", sent]]);
    expect(code).toBe(0);
    expect(screen).not.toMatch(/KEY|bGluZQ/);
    expect((await box.cli(["get", "a/b"])).stdout.toString()).toBe(value);
  });

  it("keys edit the value and are no part of it", async () => {
    const box = new Sandbox();
    await makeVault(box);
    const arrows = "\u001B[A\u001B[1;5C\u001BOP\u001Bb";
    expect((await onTerminal(box, ["set", "a/b"], [["Value", `no\u0015s${arrows}\u0001é\u007Fesame\u0004`]])).code).toBe(0);
    expect((await box.cli(["get", "a/b"])).stdout.toString()).toBe("sesame");
    const { screen, code } = await onTerminal(box, ["set", "a/c"], [["Value", "\u001B[200~a\u0007b\u001B[201~\r"]]);
    expect(code).toBe(2);
    expect(screen).toContain("INVALID_VALUE");
  });

  it("nothing typed is no value", async () => {
    const box = new Sandbox();
    await makeVault(box);
    for (const key of ["\r", "\u0004"]) {
      const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", key]]);
      expect(code).toBe(2);
      expect(screen).toContain("VALUE_REQUIRED");
    }
    expect((await onTerminal(box, ["set", "a/b", "--empty"], [["Value", "\r"]])).code).toBe(0);
  });

  it("asks for nothing where the answer would be in vain", async () => {
    const box = new Sandbox();
    await makeVault(box);
    for (const [words, code] of [
      [["set", "../x"], "INVALID_NAME"],
      [["set", "a/b", "--agents", "nobody"], "AGENT_NOT_FOUND"],
      [["set", "a/b", "--key", "missing"], "NO_KEY"],
    ] as const) {
      const { screen } = await onTerminal(box, words, [["Value", "\u0003"]]);
      expect(screen).toContain(code);
      expect(screen).not.toContain("Value");
    }
    box.write(".git/MERGE_HEAD", "");
    const { screen } = await onTerminal(box, ["set", "a/b"], [["Value", "\u0003"]]);
    expect(screen).toContain("REPOSITORY_BUSY");
    expect(screen).not.toContain("Value");
  });

  it("says how to push what a change has committed, where there is somewhere to push it to", async () => {
    const box = new Sandbox();
    await makeVault(box);
    const change = () => onTerminal(box, ["set", "a/b", "--generate"], []).then(({ screen }) => screen);
    expect(await change()).not.toContain("git push");
    box.addRemote();
    expect(await change()).toContain("git push\u001B");
    box.git("branch", "--unset-upstream");
    expect(await change()).toContain("git push --set-upstream origin HEAD");
    box.git("push", "--quiet", "--set-upstream", "origin", "main");
    expect((await onTerminal(box, ["set", "a/b", "--generate", "--dry-run"], [])).screen).not.toContain("git push");
    expect((await box.cli(["set", "a/b", "--generate"])).stderr).toBe("");
  });

  it("list fits a narrow terminal", async () => {
    const box = new Sandbox();
    await makeVault(box, { "payments/production/stripe-api-key": { value: "1", expires: "2096-01-01T00:00:00Z" }, short: "2" });
    const { screen } = await shellOnTerminal(box, `stty cols 50; '${process.execPath}' '${CLI}' list`, []);
    const lines = screen.trimEnd().split(/\r?\n/);
    expect(lines.map((line) => line.length <= 50)).toEqual([true, true, true]);
    expect(lines[2]).toMatch(/^payments\/production…  payments  -       2096-01-01$/);
    expect(await box.ok("list")).toContain("payments/production/stripe-api-key");
  });

  it("Ctrl-C in the question ends the command with 130, and nothing is changed", async () => {
    const box = new Sandbox();
    await makeVault(box);
    const head = box.git("rev-parse", "HEAD");
    const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", "half\u0003"]]);
    expect(code).toBe(130);
    expect(screen).not.toContain("half");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    expect(box.git("status", "--porcelain")).toBe("");
  });

  it("an owner's key is protected by a passphrase, asked for when it is used", async () => {
    const box = new Sandbox();
    const empty = new Sandbox({ git: false });
    const givenUp = await onTerminal(empty, ["init", "--passphrase"], [["New passphrase", "\u0003"]]);
    expect([givenUp.code, readdirSync(empty.repository), readdirSync(empty.home)]).toEqual([130, [], []]);
    const made = await onTerminal(
      box,
      ["init", "--no-hook", "--passphrase"],
      [
        ["New passphrase", "open sesame\r"],
        ["Again", "open sesame\r"],
      ],
    );
    expect(made.code).toBe(0);
    expect(made.screen).not.toContain("sesame");
    expect(readFileSync(box.ownerKey, "latin1")).toMatch(/^age-encryption\.org\/v1\n-> scrypt /);

    expect((await onTerminal(box, ["set", "a/b", "--generate"], [["Passphrase", "open sesame\r"]])).code).toBe(0);
    const right = await onTerminal(box, ["get", "a/b"], [["Passphrase", "open sesame\r"]]);
    expect(right.code).toBe(0);
    const onceWrong = await onTerminal(
      box,
      ["get", "a/b"],
      [
        ["Passphrase", "close sesame\r"],
        ["Passphrase", "open sesame\r"],
      ],
    );
    expect(onceWrong.code).toBe(0);
    const wrong = await onTerminal(
      box,
      ["get", "a/b"],
      [1, 2, 3].map(() => ["Passphrase", "close sesame\r"] as const),
    );
    expect(wrong.code).toBe(4);
    expect(wrong.screen).toContain("WRONG_PASSPHRASE");
    const piped = await shellOnTerminal(box, `printf piped | '${process.execPath}' '${CLI}' set a/b`, [["Passphrase", "open sesame\r"]]);
    expect([piped.code, piped.screen.includes("5 bytes")]).toEqual([0, true]);
    const early = await onTerminal(
      box,
      ["set", "a/b"],
      [
        ["Passphrase", "open sesame\r"],
        ["\n", "typed early\r"],
      ],
    );
    expect([early.code, early.screen.includes("early")]).toEqual([0, false]);
    const inVain = await onTerminal(box, ["grant", "nobody", "a"], [["Passphrase", "\u0003"]]);
    expect(inVain.screen).toContain("AGENT_NOT_FOUND");
    expect(inVain.screen).not.toContain("Passphrase");
    const nobody = await box.cli(["get", "a/b"]);
    expect(nobody.stderr).toContain("PASSPHRASE_REQUIRED");
  });
});
