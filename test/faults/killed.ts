import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openState, recoverVault, restoreAgent, set } from "#vault/index.js";
import type { Outcome, Sandbox } from "../support/sandbox.js";
import { atEach, recordCalls, recordDeaths, runWatched, type CommandLine, type Death } from "./at-call.js";
import { expectVault, personsWork, subjects, VaultAtWork, vaultFiles, type Expected } from "./vault-at-work.js";
import { readIdentity } from "../support/identity.js";
import { SLOW, timeLimitMs } from "../support/slow.js";

/** An operation to be killed, and what it makes of a {@link VaultAtWork}. */
export interface Killed extends CommandLine {
  /** The commit's subject. */
  readonly subject: string;
  /**
   * At which calls: at each, or at each sixth from one of the first six on. The transaction is the same for all operations, so one of them is
   * killed everywhere, and the others share the calls among them.
   */
  readonly at?: { readonly from: 0 | 1 | 2 | 3 | 4 | 5 };
  after(before: Expected): Expected;
}

const FINISHED = "An interrupted change of this vault was finished.";

/**
 * Kills an operation at every call that changes the disk and at every child process, each time in a new copy of a vault at work, and
 * then makes one more use of it: a reader and a writer by turns. Calls at which the disk is as at the call before need that only once,
 * see `recordDeaths`. With SLOW=1 in the environment a process is killed at each call, and the calls that only read count as well, and
 * the parts of a call that node makes several of.
 */
export function survivesEveryKill(operation: Killed): void {
  const kind = SLOW ? "all" : "changes";
  const { first, step } = operation.at && !SLOW ? { first: operation.at.from, step: 6 } : { first: 0, step: 1 };
  describe(`agent-vault ${operation.words.join(" ")}, killed`, { timeout: timeLimitMs(900_000) }, () => {
    it("is done in full or not at all, at every call", async () => {
      const work = await VaultAtWork.make();
      const before = { person: personsWork(work.box), files: vaultFiles(work.box), subjects: subjects(work.box) };
      const whole = await work.copy();
      const { calls, deaths } = SLOW ? await everyCall(whole) : await recordDeaths(whole, operation);
      await expectVault(whole, work, operation.after(work.expected));

      const outcomes: ("old" | "new")[] = [];
      await atEach(
        calls,
        deaths.filter((_, index) => index % step === first),
        () => work.copy(),
        async (box, at, isDead) => {
          // A process that is killed may have come further, by its children, than one that died there.
          outcomes[2 * at + (isDead ? 0 : 1)] = isDead ? await goOn(box, at) : await killAndGoOn(box, at);
        },
      );
      // One instant decides, and both sides of it were seen.
      expect(outcomes.filter(Boolean).join(" ")).toMatch(/^(?:old )+(?:new ?)+$/);

      async function everyCall(box: Sandbox): Promise<{ calls: readonly string[]; deaths: readonly Death[] }> {
        const all = await recordCalls(box, operation, kind);
        return { calls: all, deaths: all.map((_, index) => ({ index })) };
      }

      async function killAndGoOn(box: Sandbox, at: number): Promise<"old" | "new"> {
        const { signal, ended } = await runWatched(box, operation, { kind, at });
        expect(signal).toBe("SIGKILL");
        return goOn(box, at, ended);
      }

      /** @param ended once the children of the process that was killed have ended */
      async function goOn(box: Sandbox, at: number, ended?: Promise<Outcome>): Promise<"old" | "new"> {
        const writes = at % 2 === 0;
        if (ended === undefined) await useVault(box, writes);
        else await useByCommand(box, writes);
        await ended;

        const happened = subjects(box).slice(0, -before.subjects.length).includes(operation.subject);
        expect(subjects(box)).toEqual([
          ...(writes ? ["agent-vault: set other/late"] : []),
          ...(happened ? [operation.subject] : []),
          ...before.subjects,
        ]);
        expect(personsWork(box)).toBe(before.person);
        const expected = happened ? operation.after(work.expected) : work.expected;
        await expectVault(box, work, writes ? withLateSecret(expected) : expected);
        if (!happened && !writes) expect(vaultFiles(box)).toEqual(before.files);
        if (writes) expectNothingLeft(box);
        await expectAgentsKeys(box, work, expected);
        return happened ? "new" : "old";
      }
    });
  });
}

/** As the command line does. */
async function useVault(box: Sandbox, writes: boolean): Promise<void> {
  const { vault } = box;
  const context = box.context();
  if (writes) await set(context, { vault, path: "other/late", value: Buffer.from("written later") });
  else {
    await recoverVault(context, vault);
    await openState(context, vault);
  }
  expect(context.warnings.filter((warning) => warning !== FINISHED)).toEqual([]);
}

/** Right after the kill, while the dead process's children may still be at work. */
async function useByCommand(box: Sandbox, writes: boolean): Promise<void> {
  const next = writes ? await box.cli(["set", "other/late", "--exact"], { input: "written later" }) : await box.cli(["list", "--json"]);
  expect([next.code, next.stderr.replace(`warning: ${FINISHED}\n`, "")]).toEqual([0, ""]);
}

function withLateSecret(expected: Expected): Expected {
  const readers = expected.secrets["other/token"]!.readers;
  return { ...expected, secrets: { ...expected.secrets, "other/late": { value: "written later", readers } } };
}

/** After the next change nothing of ours is left beside it. */
function expectNothingLeft(box: Sandbox): void {
  const git = join(box.repository, ".git");
  expect(readdirSync(join(git, "agent-vault"))).toEqual([]);
  expect(box.git("for-each-ref", "--format=%(refname)")).toBe("refs/heads/main\n");
  expect(readdirSync(git).filter((name) => /\.lock$|^fast_import_crash/.test(name))).toEqual([]);
}

/** No key was lost or opened to others, and each agent's present key is in its place, or is so after `restore-agent`. */
async function expectAgentsKeys(box: Sandbox, work: VaultAtWork, { agents, rekeyed = [] }: Expected): Promise<void> {
  const vault = box.vault;
  for (const agent of rekeyed) await restoreAgent(box.context(), { vault, agent });
  for (const agent of agents) {
    const key = readFileSync(join(vault, "agents", agent, "public.key"), "utf8");
    expect([agent, await readIdentity(box.agentKey(agent)).recipient()]).toEqual([agent, key]);
  }
  const folder = dirname(box.agentKey("alice"));
  const files = readdirSync(folder).map((name) => join(folder, name));
  const texts = files.map((file) => readFileSync(file, "utf8"));
  for (const [agent, key] of Object.entries(work.keys))
    expect([agent, texts.some((text) => text.includes(key.reveal()))]).toEqual([agent, true]);
  for (const file of files) expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
  expect(readFileSync(box.ownerKey)).toEqual(readFileSync(work.box.ownerKey));
}
