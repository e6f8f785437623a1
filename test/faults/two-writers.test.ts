import { describe, expect, it } from "vitest";
import type { FindingKind } from "#vault/index.js";
import { errorCode, type Outcome, type Sandbox } from "../support/sandbox.js";
import { recordCalls, runWatched, type CommandLine } from "./at-call.js";
import { expectVault, personsWork, subjects, VaultAtWork, vaultFiles, type Expected } from "./vault-at-work.js";
import { rounds, timeLimitMs } from "../support/slow.js";

interface Writer extends CommandLine {
  readonly subject: string;
  after(before: Expected): Expected;
}

function setting(secret: string, value: string): Writer {
  return {
    words: ["set", secret, "--exact"],
    input: value,
    subject: `agent-vault: set ${secret}`,
    after: (before) => ({
      ...before,
      secrets: { ...before.secrets, [secret]: { value, readers: before.secrets["other/token"]!.readers } },
    }),
  };
}

/** Gives alice the group `other`, or takes it from her. */
function changing(verb: "grant" | "revoke"): Writer {
  return {
    words: [verb, "alice", "other"],
    subject: verb === "grant" ? "agent-vault: grant other to alice" : "agent-vault: revoke other from alice",
    after: (before) => {
      const readers = verb === "grant" ? ["alice", "bob"] : ["bob"];
      const entries = Object.entries(before.secrets).map(
        ([secret, entry]) => [secret, secret.startsWith("other/") ? { ...entry, readers } : entry] as const,
      );
      return { ...before, secrets: Object.fromEntries(entries) };
    },
  };
}

function run(box: Sandbox, { words, input }: Writer): Promise<Outcome> {
  return box.process(words, input === undefined ? {} : { input });
}

const ROUNDS = rounds(3, 20);
const SERIOUS: ReadonlySet<FindingKind> = new Set(["recipients-differ", "metadata-differs", "stray", "damaged"]);

describe("two processes that write at once", () => {
  it(`both have their changes kept in ${ROUNDS} rounds, or the loser is told BUSY`, { timeout: timeLimitMs(300_000) }, async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const person = personsWork(box);
    let expected = work.expected;
    for (let round = 0; round < ROUNDS; round++) {
      const first = [setting(`other/a-${round}`, `a ${round}`), changing("grant"), changing("revoke")][round % 3]!;
      const writers = [first, setting(`other/b-${round}`, `b ${round}`)];
      const history = subjects(box);
      const outcomes = await Promise.all(writers.map((writer) => run(box, writer)));

      const done = writers.filter((_, index) => outcomes[index]!.code === 0);
      for (const outcome of outcomes) if (outcome.code !== 0) expect([outcome.code, errorCode(outcome)]).toEqual([8, "BUSY"]);
      expect(done.length).toBeGreaterThan(0);
      const made = subjects(box).slice(0, -history.length);
      expect(made.toSorted()).toEqual(done.map(({ subject }) => subject).toSorted());
      expect(subjects(box).slice(made.length)).toEqual(history);
      // The later commit sees the earlier one's change, so its effect is applied last.
      for (const subject of made.toReversed()) expected = done.find((writer) => writer.subject === subject)!.after(expected);
      await expectVault(box, work, expected);
    }
    expect(box.git("rev-list", "--min-parents=2", "HEAD")).toBe("");
    expect(personsWork(box)).toBe(person);
    const { findings } = JSON.parse((await box.cli(["check", "--json"])).stdout.toString()) as {
      findings: { severity: string; kind: FindingKind }[];
    };
    expect(findings.filter(({ severity, kind }) => severity === "error" || SERIOUS.has(kind))).toEqual([]);
  });

  it("end with BUSY for the one that waits in vain, and readers see the old state meanwhile", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const slow = setting("other/slow", "slow");
    const calls = await recordCalls(await work.copy(), slow);
    const started = `${box.root}/started`;
    const goOn = `${box.root}/go-on`;
    await box.run("mkfifo", [started, goOn]);

    const at = calls.findIndex((call) => call.includes(" commit-tree ")) + 1;
    const held = runWatched(box, slow, { at, run: `echo >'${started}'; cat '${goOn}'` });
    await box.run("cat", [started]);
    const history = subjects(box);
    const files = vaultFiles(box);
    expect((await box.cli(["list", "--json"])).code).toBe(0);
    const waiting = await run(box, setting("other/late", "late"));
    expect([waiting.code, errorCode(waiting)]).toEqual([8, "BUSY"]);
    expect(subjects(box)).toEqual(history);
    expect(vaultFiles(box)).toEqual(files);

    await box.run("sh", ["-c", `echo >'${goOn}'`]);
    const { ended } = await held;
    expect((await ended).code).toBe(0);
    await expectVault(box, work, slow.after(work.expected));
  });
});
