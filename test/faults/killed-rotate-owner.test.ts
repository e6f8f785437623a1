import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { readSecret, recoverVault, rotateOwner, set } from "#vault/index.js";
import { atEach, recordDeaths, runWatched } from "./at-call.js";
import { SLOW, timeLimitMs } from "../support/slow.js";

/**
 * With SLOW=1 every death counts; otherwise each sixth one, as the transaction is the same that other tests kill everywhere. The tests begin
 * at different ones.
 */
const STEP = SLOW ? 1 : 6;
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
async function survivesEveryKill(box: Sandbox, first: number): Promise<void> {
  const { calls, deaths } = await recordDeaths(await box.copy(), ROTATE);
  const before = keysAtHome(box);
  const outcomes: ("old" | "new")[] = [];
  await atEach(
    calls,
    deaths.filter((_, index) => index % STEP === first % STEP),
    () => box.copy(),
    async (copy, at, isDead) => {
      outcomes[2 * at + (isDead ? 0 : 1)] = isDead ? await goOn(copy, at) : await killAndGoOn(copy, at);
    },
  );
  // One instant decides, and both sides of it were seen.
  expect(outcomes.filter(Boolean).join(" ")).toMatch(/^(?:old )+(?:new ?)+$/);

  async function killAndGoOn(copy: Sandbox, at: number): Promise<"old" | "new"> {
    const { signal, ended } = await runWatched(copy, ROTATE, { at });
    expect(signal).toBe("SIGKILL");
    return goOn(copy, at, ended);
  }

  /** @param ended once the children of the process that was killed have ended */
  async function goOn(copy: Sandbox, at: number, ended?: Promise<unknown>): Promise<"old" | "new"> {
    const { vault } = copy;
    const read = async () => {
      await recoverVault(copy.context(), vault);
      return Buffer.from((await readSecret(copy.context(), vault, "a/b")).value).toString();
    };
    // A reader comes first or a writer, by turns.
    if (at % 2 === 0) await set(copy.context(), { vault, path: "a/late", value: Buffer.from("late") });
    expect(await read()).toBe("one");
    await ended;
    const subjects = copy.git("log", "--format=%s");
    expect(subjects.split("\n").filter((line) => line.includes("rotate"))).toHaveLength(
      subjects.includes("signed with the new key") ? 2 : 0,
    );
    for (const key of before) expect(keysAtHome(copy)).toContain(key);
    await rotateOwner(copy.context(), { vault });
    expect(await read()).toBe("one");
    return subjects.includes("signed with the new key") ? "new" : "old";
  }
}

describe("agent-vault rotate-owner, killed", { timeout: timeLimitMs(900_000) }, () => {
  it("leaves a key that opens the vault in its place, at every call, from the shared key", async () => {
    const box = new Sandbox();
    await makeVault(box, { "a/b": "one" });
    await survivesEveryKill(box, 0);
  });

  it("and from a key of the vault's own", async () => {
    const box = new Sandbox();
    await makeVault(box, { "a/b": "one" }, {}, { newKey: true });
    expect(existsSync(box.ownerKey)).toBe(false);
    await survivesEveryKill(box, 3);
  });
});
