import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSecret, recoverVault, set } from "#vault/index.js";
import { errorCode, type Sandbox } from "../support/sandbox.js";
import { atEach, recordCalls, recordDeaths, runWatched, startWatched } from "./at-call.js";
import { expectVault, filesBelow, personsWork, subjects, VaultAtWork, vaultFiles, type Expected } from "./vault-at-work.js";
import { SLOW, timeLimitMs } from "../support/slow.js";

const SET = { words: ["set", "other/token", "--exact"], input: "another value" };
const SUBJECT = "agent-vault: set other/token";
/** As a person would: once more where our own move of the branch came first. */
const COMMIT = "for attempt in 1 2 3; do git commit --quiet --no-verify -m 'In the middle' && break; done";

function afterSet(before: Expected): Expected {
  return { ...before, secrets: { ...before.secrets, "other/token": { value: "another value", readers: ["bob"] } } };
}

/** What a person's own commit of the index comes to where no agent-vault runs. */
async function workAfterCommit(work: VaultAtWork): Promise<string> {
  const box = await work.copy();
  box.git("commit", "--quiet", "--no-verify", "-m", "In the middle");
  return personsWork(box);
}

/** Children, and all that is done to the journal: between two of these nothing that a commit could see changes. */
function isMoment(call: string): boolean {
  return /^(?:spawn|input) |journal/.test(call) || (call.startsWith("renameSync") && call.includes("token.enc"));
}

/** With SLOW=1 at each of them, otherwise at each second one. */
async function atEachMoment(work: VaultAtWork, look: (box: Sandbox, at: number) => Promise<void>): Promise<void> {
  const calls = await recordCalls(await work.copy(), SET);
  const all = calls.flatMap((call, index) => (isMoment(call) ? [index] : []));
  expect(all.length).toBeGreaterThan(15);
  const moments = SLOW ? all : all.filter((_, index) => index % 2 === 0);
  await atEach(
    calls,
    moments.map((index) => ({ index })),
    () => work.copy(),
    (box, index) => look(box, index + 1),
  );
}

describe("a commit of the person's in the middle of a change", { timeout: timeLimitMs(300_000) }, () => {
  it("is kept, and the change is there in full or was refused as BUSY", async () => {
    const work = await VaultAtWork.make();
    const person = { before: personsWork(work.box), after: await workAfterCommit(work) };
    const outcomes = new Set<string>();
    let refused = 0;
    await atEachMoment(work, async (box, at) => {
      const { ended } = await runWatched(box, SET, { at, run: COMMIT });
      const outcome = await ended;
      outcomes.add(errorCode(outcome) ?? "done");
      // While our git holds the index, the person's is told so, as by any other git.
      const committed = subjects(box).includes("In the middle");
      if (!committed) refused++;
      expect(personsWork(box)).toBe(committed ? person.after : person.before);
      expect(box.git("rev-list", "--min-parents=2", "HEAD")).toBe("");
      if (outcome.code === 0) await expectVault(box, work, afterSet(work.expected));
      else {
        expect([outcome.code, errorCode(outcome)]).toEqual([8, "BUSY"]);
        await expectVault(box, work, work.expected);
        expect(subjects(box)).not.toContain(SUBJECT);
      }
    });
    expect(outcomes).toEqual(new Set(["done", "BUSY"]));
    expect(refused).toBeLessThan(4);
  });

  it("is kept when the change was killed before, and the next command ends in the old or the new state", async () => {
    const work = await VaultAtWork.make();
    const person = await workAfterCommit(work);
    const values = new Set<string>();
    const { calls, deaths } = await recordDeaths(await work.copy(), SET);
    await atEach(
      calls,
      deaths.filter(({ index }, place) => isMoment(calls[index]!) && (SLOW || place % 2 === 1)),
      () => work.copy(),
      async (box, at, isDead) => {
        const { vault } = box;
        const context = box.context();
        if (!isDead) await (await runWatched(box, SET, { at })).ended;
        await box.run("sh", ["-c", COMMIT]);
        const writes = at % 2 === 0;
        if (writes) await set(context, { vault, path: "other/late", value: Buffer.from("late") });
        else await recoverVault(context, vault);
        expect(subjects(box)).toContain("In the middle");
        expect(personsWork(box)).toBe(person);
        const value = Buffer.from((await readSecret(context, vault, "other/token")).value).toString();
        values.add(value);
        const expected = value === "another value" ? afterSet(work.expected) : work.expected;
        const late = { value: "late", readers: ["bob"] };
        await expectVault(box, work, writes ? { ...expected, secrets: { ...expected.secrets, "other/late": late } } : expected);
      },
    );
    expect(values.size).toBe(2);
  });
});

describe("another git process at the index", () => {
  it("is waited for while it takes a moment", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const calls = await recordCalls(await work.copy(), SET, "all");
    const look = calls.findIndex((call) => call.startsWith("existsSync") && call.endsWith("index.lock")) + 1;
    expect(look).toBeGreaterThan(0);
    const lock = join(box.repository, ".git", "index.lock");
    writeFileSync(lock, "");
    // The first look finds the lock; before the second one it goes away.
    const { ended } = await runWatched(box, SET, { kind: "all", at: look + 1, run: `rm '${lock}'` });
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
    await expectVault(box, work, afterSet(work.expected));
  });

  it("that does not end makes the command BUSY, and nothing is changed", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const before = filesBelow(box.repository).filter((line) => !line.startsWith(".git/objects/"));
    const lock = join(box.repository, ".git", "index.lock");
    writeFileSync(lock, "");
    const refused = await box.cli(SET.words, { input: SET.input });
    expect([refused.code, errorCode(refused)]).toEqual([8, "BUSY"]);
    expect(refused.stderr).toContain(lock);
    rmSync(lock);
    expect(filesBelow(box.repository).filter((line) => !line.startsWith(".git/objects/"))).toEqual(before);

    await box.cli(SET.words, { input: SET.input });
    await expectVault(box, work, afterSet(work.expected));
  });

  it("that comes once the change is committed makes it BUSY, and the next command brings the index up to date", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const person = personsWork(box);
    const calls = await recordCalls(await work.copy(), SET);
    const lock = join(box.repository, ".git", "index.lock");
    const { ended } = await runWatched(box, SET, { at: calls.findIndex((call) => call.includes(" diff-tree ")) + 1, run: `: >'${lock}'` });
    const refused = await ended;
    expect([refused.code, errorCode(refused)]).toEqual([8, "BUSY"]);
    rmSync(lock);
    await box.ok("list");
    await expectVault(box, work, afterSet(work.expected));
    expect(personsWork(box)).toBe(person);
  });
});

describe("git processes that outlive a killed change", () => {
  it("may still move the branch after the next command has looked", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const person = personsWork(box);
    const started = join(box.root, "started");
    const goOn = join(box.root, "go-on");
    await box.run("mkfifo", [started, goOn]);
    // The first git that has locked the branch waits in its hook; later ones find the marker and go on.
    const hook = `#!/bin/sh\n[ "$1" = prepared ] && grep -q refs/heads/main && mkdir '${box.root}/held' 2>/dev/null || exit 0\necho >'${started}'; cat '${goOn}'\n`;
    chmodSync(box.write(".git/hooks/reference-transaction", hook), 0o755);

    const killed = startWatched(box, SET, {});
    await box.run("cat", [started]);
    killed.kill();
    const { signal, ended } = await killed.exited;
    expect(signal).toBe("SIGKILL");
    expect((await box.cli(["list", "--json"])).code).toBe(0);
    const writer = await box.cli(["set", "other/late"], { input: "late" });
    expect([writer.code, errorCode(writer)]).toEqual([8, "BUSY"]);
    await box.run("sh", ["-c", `echo >'${goOn}'`]);
    await ended;

    await box.ok("list");
    await expectVault(box, work, afterSet(work.expected));
    expect(personsWork(box)).toBe(person);
    expect(readdirSync(join(box.repository, ".git", "agent-vault"))).toEqual([]);
    expect(existsSync(join(box.repository, ".git/refs/heads/main.lock"))).toBe(false);
    expect(vaultFiles(box).some((line) => line.includes("late"))).toBe(false);
  });
});
