import { spawn, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { CLI, Sandbox } from "../support/sandbox.js";

const hasScript = spawnSync("script", ["--version"]).status === 0;
if (!hasScript && process.env["AGENT_VAULT_REQUIRE_TOOLS"] !== "1")
  console.warn("script (util-linux) is not here, so the tests on a terminal are skipped.");

/** Runs a command on a terminal of its own; each answer is typed once its question shows. @returns what the screen showed, and the exit code */
function onTerminal(
  box: Sandbox,
  words: readonly string[],
  dialogue: readonly (readonly [question: string, answer: string])[],
): Promise<{ screen: string; code: number | null }> {
  const line = [process.execPath, CLI, ...words].map((word) => `'${word}'`).join(" ");
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

describe.skipIf(!hasScript && process.env["AGENT_VAULT_REQUIRE_TOOLS"] !== "1")("on a terminal", () => {
  it("set asks for the value, which does not show, corrections included", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", "sesamx\u007Fe ünd 🔑\r"]]);
    expect(code).toBe(0);
    expect(screen).not.toContain("sesam");
    expect((await box.cli(["get", "a/b"])).stdout.toString()).toBe("sesame ünd 🔑");
  });

  it("get ends the line that the value stands in", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    await box.set("a/b", "sesame");
    await box.set("a/lines", "open\nsesame\n");
    expect((await onTerminal(box, ["get", "a/b"], [])).screen).toBe("sesame\r\n");
    expect((await onTerminal(box, ["get", "a/lines"], [])).screen).toBe("open\r\nsesame\r\n");
  });

  it("get says what it pulled", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    await box.set("a/b", "old");
    box.addRemote();
    await box.set("a/b", "new");
    box.git("push", "--quiet");
    box.git("reset", "--quiet", "--hard", "HEAD~1");
    expect((await onTerminal(box, ["get", "a/b"], [])).screen).toBe("Pulled 1 commit from origin/main.\r\nnew\r\n");
  });

  it("Ctrl-C in the question ends the command with 130, and nothing is changed", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    const head = box.git("rev-parse", "HEAD");
    const { screen, code } = await onTerminal(box, ["set", "a/b"], [["Value", "half\u0003"]]);
    expect(code).toBe(130);
    expect(screen).not.toContain("half");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    expect(box.git("status", "--porcelain")).toBe("");
  });

  it("an owner's key is protected by a passphrase, asked for when it is used", async () => {
    const box = new Sandbox();
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
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(box.ownerKey, "latin1")).toMatch(/^age-encryption\.org\/v1\n-> scrypt /);

    expect((await onTerminal(box, ["set", "a/b", "--generate"], [["Passphrase", "open sesame\r"]])).code).toBe(0);
    const right = await onTerminal(box, ["get", "a/b"], [["Passphrase", "open sesame\r"]]);
    expect(right.code).toBe(0);
    const wrong = await onTerminal(box, ["get", "a/b"], [["Passphrase", "close sesame\r"]]);
    expect(wrong.code).toBe(4);
    expect(wrong.screen).toContain("WRONG_PASSPHRASE");
    const nobody = await box.cli(["get", "a/b"]);
    expect(nobody.stderr).toContain("PASSPHRASE_REQUIRED");
  });
});
