import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
// Worker threads start from built JavaScript.
import { runBatch, type ReencryptJob } from "#vault/age/batch.js";
import { decrypt } from "#vault/age/decrypt.js";
import { encrypt } from "#vault/age/encrypt.js";
import { parseHeader } from "#vault/age/header.js";
import type { Identity } from "#vault/age/identity.js";
import { newKeys, type Key } from "./keys.js";

const FEW = 12;
/** Enough to be given to workers: about 0.4 s of work. */
const MANY = 300;

const TIMEOUT = { timeout: 60_000 };

let owner: Key, agent: Key, removed: Key, added: Key, more: Key[];
beforeAll(async () => {
  [owner, agent, removed, added, ...more] = (await newKeys(12)) as [Key, Key, Key, Key, ...Key[]];
});

const texts = (keys: readonly Key[]) => keys.map(({ recipient }) => recipient.text);
const nonceOf = (file: Uint8Array) => Buffer.from(file.subarray(parseHeader(file).size)).toString("hex", 0, 16);
const bodiesOf = (file: Uint8Array) => parseHeader(file).stanzas.map(({ body }) => Buffer.from(body).toString("hex"));

interface Values {
  readonly plaintexts: Uint8Array[];
  readonly jobs: ReencryptJob[];
}

/** Files for owner, agent and one who is about to be removed, of which every second only gets new readers. */
async function prepare(count: number): Promise<Values> {
  const plaintexts = Array.from({ length: count }, (_, index) => randomBytes(index % 7 === 0 ? 70_000 : index));
  const readers = [owner, agent, removed].map(({ recipient }) => recipient);
  const jobs = await Promise.all(
    plaintexts.map(async (plaintext, index): Promise<ReencryptJob> => {
      const kind = index % 2 === 0 ? "re-encrypt" : "add-recipients";
      return { kind, name: `group/value-${index}`, file: await encrypt(plaintext, readers), recipients: index % 2 };
    }),
  );
  return { plaintexts, jobs };
}

describe.each([
  ["in this thread", FEW],
  ["on worker threads", MANY],
])("a batch %s", TIMEOUT, (_, count) => {
  it("seals every file for its new readers, in order, and tells how far it is", async () => {
    const { plaintexts, jobs } = await prepare(count);
    const sets = [texts([owner, agent]), texts([added, ...more])];
    const before = jobs.map(({ file }) => Uint8Array.from(file));
    const progress: number[] = [];
    const files = await runBatch(jobs, sets, owner.identity, (done) => progress.push(done));

    expect(files).toHaveLength(count);
    expect(progress.at(-1)).toBe(count);
    expect(progress).toEqual([...new Set(progress)].toSorted((a, b) => a - b));
    for (const [index, file] of files.entries()) {
      const { kind, file: old } = jobs[index]!;
      expect(Buffer.compare(old, before[index]!)).toBe(0);
      expect(Buffer.compare(await decrypt(file, [agent.identity]), plaintexts[index]!)).toBe(0);
      if (kind === "re-encrypt") {
        expect(parseHeader(file).stanzas).toHaveLength(2);
        expect(bodiesOf(file).filter((body) => bodiesOf(old).includes(body))).toEqual([]);
        expect(nonceOf(file)).not.toBe(nonceOf(old));
        await expect(decrypt(file, [removed.identity])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
      } else {
        expect(bodiesOf(file).slice(0, 3)).toEqual(bodiesOf(old));
        expect(nonceOf(file)).toBe(nonceOf(old));
        for (const { identity } of [removed, added, more.at(-1)!])
          expect(await decrypt(file, [identity])).toHaveLength(plaintexts[index]!.length);
      }
    }
  });

  it("ends with the code of the first error and the name of its file", async () => {
    const { jobs } = await prepare(count);
    const at = count - 3;
    const file = Uint8Array.from(jobs[at]!.file);
    file[file.length - 1]! ^= 1;
    const batch = runBatch(jobs.with(at, { ...jobs[at]!, file }), [texts([owner]), texts([added])], owner.identity);
    await expect(batch).rejects.toMatchObject({
      name: "VaultError",
      code: "DAMAGED",
      message: expect.stringMatching(new RegExp(`^group/value-${at}: The encrypted file is damaged`)),
      remedy: expect.stringContaining("git"),
    });
  });

  it("is refused to an identity that cannot open the files, or could not open the results", async () => {
    const { jobs } = await prepare(count);
    const refusal = { code: "NOT_AUTHORIZED", message: expect.stringMatching(/^group\/value-\d+: /) };
    await expect(runBatch(jobs, [texts([owner]), texts([added])], added.identity)).rejects.toMatchObject(refusal);
    await expect(runBatch(jobs, [texts([agent]), texts([added])], owner.identity)).rejects.toMatchObject(refusal);
  });

  it("takes the old and the new key where the owner's key is rotated", async () => {
    const { plaintexts, jobs } = await prepare(count);
    const rotated = jobs.map((job): ReencryptJob => ({ ...job, kind: "re-encrypt", recipients: 0 }));
    const files = await runBatch(rotated, [texts([added, agent])], [added.identity, owner.identity]);
    for (const [index, file] of files.entries()) {
      expect(Buffer.compare(await decrypt(file, [added.identity]), plaintexts[index]!)).toBe(0);
      await expect(decrypt(file, [owner.identity])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    }
  });

  it("refuses a recipient that is none before any work", async () => {
    const { jobs } = await prepare(count);
    await expect(runBatch(jobs, [["age1x"], texts([added])], owner.identity)).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});

describe("a batch", TIMEOUT, () => {
  it("of nothing is nothing", async () => {
    expect(await runBatch([], [], owner.identity)).toEqual([]);
  });

  it("does post-quantum files on worker threads too", async () => {
    const keys = await newKeys(3, "post-quantum");
    const plaintext = randomBytes(32);
    const file = await encrypt(plaintext, [keys[0]!.recipient]);
    const jobs = Array.from({ length: 40 }, (_, index): ReencryptJob => ({
      kind: index % 2 ? "re-encrypt" : "add-recipients",
      name: "x",
      file,
      recipients: index % 2,
    }));
    const files = await runBatch(jobs, [texts(keys.slice(1)), texts(keys)], keys[0]!.identity);
    for (const result of files) expect(Buffer.compare(await decrypt(result, [keys[2]!.identity]), plaintext)).toBe(0);
  });

  it("leaves this thread free while workers work", async () => {
    const { jobs } = await prepare(MANY);
    let turns = 0;
    const clock = setInterval(() => turns++, 5);
    await runBatch(jobs, [texts([owner, agent]), texts([added, ...more])], owner.identity);
    clearInterval(clock);
    expect(turns).toBeGreaterThan(3);
  });

  it("fails when a worker dies, and does not hang", async () => {
    const { jobs } = await prepare(MANY);
    const unreadable: Identity = {
      ...owner.identity,
      kind: "x25519",
      reveal: () => "not a key",
      recipient: async () => "",
      unwrapFileKey: () => null,
    };
    await expect(runBatch(jobs, [texts([owner]), texts([added])], unreadable)).rejects.toMatchObject({
      name: "VaultError",
      code: "FAILED",
    });
  });

  it("passes on what the progress callback throws", async () => {
    const { jobs } = await prepare(MANY);
    const sets = [texts([owner]), texts([added])];
    const stop = () => {
      throw new Error("stopped");
    };
    await expect(runBatch(jobs, sets, owner.identity, stop)).rejects.toThrow("stopped");
  });
});
