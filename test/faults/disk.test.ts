import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cannot } from "../support/programs.js";
import { errorCode, Sandbox } from "../support/sandbox.js";
import type { CommandLine } from "./at-call.js";
import { mayMount } from "./may-mount.js";
import { expectVault, filesBelow, personsWork, subjects, VaultAtWork, vaultFiles, type Expected, withReaders } from "./vault-at-work.js";
import { readIdentity } from "../support/identity.js";

const skipped = cannot(mayMount(), "A small disk cannot be mounted here, which takes root on Linux.");

const PAGE = 4096;

/** A disk of four megabytes, mounted in place of a folder. */
class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async use(folder: string, work: (disk: SmallDisk) => Promise<void>): Promise<void> {
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder], { encoding: "utf8" });
    if (status !== 0) throw new Error(`A small disk could not be mounted: ${stderr}`);
    try {
      await work(new SmallDisk(folder));
    } finally {
      spawnSync("umount", ["--lazy", folder]);
    }
  }

  holdOnly(source: string): void {
    for (const name of readdirSync(this.#folder)) rmSync(join(this.#folder, name), { recursive: true });
    spawnSync("cp", ["-Rp", `${source}/.`, this.#folder]);
  }

  /** Fills the disk until so many pages of 4096 bytes are free. */
  leaveFree(pages: number, filler: string): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - pages * PAGE));
    if (statfsSync(this.#folder).bavail * bsize !== pages * PAGE) throw new Error("The disk could not be filled as it should be.");
  }

  makeReadOnly(readOnly: boolean): void {
    if (spawnSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.#folder]).status !== 0)
      throw new Error("The disk could not be mounted again.");
  }
}

interface Change extends CommandLine {
  readonly subject: string;
  /** Pages by which the free space grows from one attempt to the next. */
  readonly step: number;
  after(before: Expected): Expected;
}

const CHANGES: readonly Change[] = [
  {
    words: ["set", "other/token", "--exact"],
    input: "another value",
    subject: "agent-vault: set other/token",
    step: 1,
    after: (before) => ({ ...before, secrets: { ...before.secrets, "other/token": { value: "another value", readers: ["bob"] } } }),
  },
  {
    words: ["revoke", "alice", "stripe"],
    subject: "agent-vault: revoke stripe from alice",
    step: 4,
    after: (before) => withReaders(before, (_secret, readers) => readers.filter((agent) => agent !== "alice")),
  },
];

/** A machine whose repository's folder is empty, for a disk to be mounted there. */
async function machine(work: VaultAtWork): Promise<Sandbox> {
  const box = new Sandbox({ git: false });
  await box.run("cp", ["-Rp", work.box.home, box.root], { cwd: box.root });
  return box;
}

describe.skipIf(skipped)("a disk that becomes full", { timeout: 300_000 }, () => {
  it.each(CHANGES.map((change) => [change.words[0]!, change] as const))(
    "in the middle of %s: nothing is changed, or the next command finishes it",
    async (_name, change) => {
      const work = await VaultAtWork.make();
      const before = { person: personsWork(work.box), files: vaultFiles(work.box), subjects: subjects(work.box) };
      const box = await machine(work);
      await SmallDisk.use(box.repository, async (disk) => {
        const filler = join(box.repository, ".git", "filler");
        const run = () => box.cli(change.words, change.input === undefined ? {} : { input: change.input });
        let refused = 0;
        for (let pages = 0; ; pages += change.step) {
          disk.holdOnly(work.box.repository);
          // What the machine remembers of the last attempt would say that this repository went back.
          rmSync(join(box.home, ".agent-vault/trust"), { recursive: true, force: true });
          disk.leaveFree(pages, filler);
          const outcome = await run();
          if (outcome.code === 0) break;
          expect([outcome.code, errorCode(outcome)]).toEqual([1, "DISK_FULL"]);
          refused++;
          rmSync(filler);

          expect(personsWork(box)).toBe(before.person);
          if (subjects(box).length === before.subjects.length) {
            expect(vaultFiles(box)).toEqual(before.files);
            await expectVault(box, work, work.expected);
            expect(leftovers(box)).toEqual([]);
            expect([pages, (await run()).code]).toEqual([pages, 0]);
          } else {
            expect((await box.cli(["list"])).code).toBe(0);
          }
          expect(subjects(box)).toEqual([change.subject, ...before.subjects]);
          expect(personsWork(box)).toBe(before.person);
          await expectVault(box, work, change.after(work.expected));
        }
        // From no space at all to just enough.
        expect(refused).toBeGreaterThan(5);
        await expectVault(box, work, change.after(work.expected));
        expect(personsWork(box)).toBe(before.person);
      });
    },
  );

  it("under the agents' keys: the key of add-agent is in escrow, and restore-agent writes it once there is space", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    const home = join(box.root, "home-on-a-disk");
    await box.run("mkdir", [home]);
    await SmallDisk.use(home, async (disk) => {
      disk.holdOnly(box.home);
      const env = { HOME: home };
      const filler = join(home, "filler");
      disk.leaveFree(0, filler);
      const refused = await box.cli(["add-agent", "dora"], { env });
      expect([refused.code, errorCode(refused)]).toEqual([1, "DISK_FULL"]);
      expect(filesBelow(join(home, ".agent-vault"))).toEqual(filesBelow(join(box.home, ".agent-vault")));
      rmSync(filler);
      const key = join(home, ".agent-vault", "agents", "dora.key");
      expect(existsSync(key)).toBe(false);
      expect((await box.cli(["restore-agent", "dora"], { env })).code).toBe(0);
      await readIdentity(key).recipient();
      await expectVault(box, work, { ...work.expected, agents: [...work.expected.agents, "dora"] });
    });
  });
});

/** What an unsuccessful change might have left in the repository's own folder. Git's own drafts of packs go with its next gc. */
function leftovers(box: Sandbox): string[] {
  const git = join(box.repository, ".git");
  const ours = join(git, "agent-vault");
  const names = [...readdirSync(git), ...(existsSync(ours) ? readdirSync(ours) : [])];
  return [
    ...names.filter((name) => /^(?:claim|journal|staging|fast_import_crash)|\.lock$/.test(name)),
    ...box.git("for-each-ref", "refs/agent-vault").split("\n").filter(Boolean),
  ];
}

describe.skipIf(skipped)("a disk that is mounted read-only", () => {
  it("can be read and not written", async () => {
    const work = await VaultAtWork.make();
    const box = await machine(work);
    await SmallDisk.use(box.repository, async (disk) => {
      disk.holdOnly(work.box.repository);
      disk.makeReadOnly(true);
      const refused = await box.cli(["set", "other/token"], { input: "another value" });
      expect([refused.code, errorCode(refused)]).toEqual([1, "UNWRITABLE"]);
      expect((await box.cli(["get", "other/token"])).stdout.toString()).toBe(work.expected.secrets["other/token"]!.value);
      expect((await box.cli(["list", "--json"])).code).toBe(0);
      disk.makeReadOnly(false);
      expect(filesBelow(box.repository)).toEqual(filesBelow(work.box.repository));
    });
  });
});
