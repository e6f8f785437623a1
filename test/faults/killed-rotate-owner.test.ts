import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sandbox } from "../support/sandbox.js";
import { atEach, recordCalls, runWatched } from "./at-call.js";
import { SLOW } from "../support/slow.js";

/** With SLOW=1 every call counts; otherwise each fifth one, as the transaction is the same that other tests kill everywhere. */
const STEP = SLOW ? 1 : 5;
const ROTATE = { words: ["rotate-owner"] };

function keysAtHome(box: Sandbox): string[] {
  const home = dirname(box.ownerKey);
  return readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((file) => file.includes(".key"))
    .flatMap((file) => /^AGE-SECRET-KEY-.+$/m.exec(readFileSync(join(home, file), "utf8"))?.[0] ?? []);
}

/**
 * Kills it at every call that changes the disk and at every child process; then the person reads, changes and rotates as if nothing
 * had been.
 */
async function survivesEveryKill(box: Sandbox): Promise<void> {
  const calls = await recordCalls(await box.copy(), ROTATE);
  const before = keysAtHome(box);
  const outcomes: ("old" | "new")[] = [];
  const places = calls.flatMap((_, index) => (index % STEP === 0 ? [index] : []));
  await atEach(
    calls,
    places,
    () => box.copy(),
    async (copy, index) => {
      outcomes[index] = await killAndGoOn(copy, index + 1);
    },
  );
  // One instant decides, and both sides of it were seen.
  expect(outcomes.filter(Boolean).join(" ")).toMatch(/^(?:old )+(?:new ?)+$/);

  async function killAndGoOn(copy: Sandbox, at: number): Promise<"old" | "new"> {
    const { signal, ended } = await runWatched(copy, ROTATE, { at });
    expect(signal).toBe("SIGKILL");
    // A reader comes first or a writer, by turns.
    if (at % 2 === 0) await copy.ok("set", "a/late", "--generate");
    expect(await copy.ok("get", "a/b")).toBe("one");
    await ended;
    const subjects = copy.git("log", "--format=%s");
    expect(subjects.split("\n").filter((line) => line.includes("rotate"))).toHaveLength(
      subjects.includes("signed with the new key") ? 2 : 0,
    );
    for (const key of before) expect(keysAtHome(copy)).toContain(key);
    await copy.ok("rotate-owner");
    expect(await copy.ok("get", "a/b")).toBe("one");
    return subjects.includes("signed with the new key") ? "new" : "old";
  }
}

describe("agent-vault rotate-owner, killed", { timeout: 900_000 }, () => {
  it("leaves a key that opens the vault in its place, at every call, from the shared key", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    await box.set("a/b", "one");
    await survivesEveryKill(box);
  });

  it("and from a key of the vault's own", async () => {
    const box = new Sandbox();
    await box.ok("init", "--no-hook", "--new-key");
    expect(existsSync(box.ownerKey)).toBe(false);
    await box.set("a/b", "one");
    await survivesEveryKill(box);
  });
});
