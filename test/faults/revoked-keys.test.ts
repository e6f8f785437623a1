import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decrypt, formatSecretPath, parseHeader, secretFile, VaultState, type Identity } from "#vault/index.js";
import type { Sandbox } from "../support/sandbox.js";
import { EXTRA_SECRET, expectVault, VaultAtWork, withReaders } from "./vault-at-work.js";
import { readIdentity } from "../support/identity.js";

interface Sealed {
  readonly bytes: Buffer;
  /** The file key in hex, as the identity finds it in the header. */
  readonly fileKey: string | undefined;
}

/** Every secret's file, opened as far as its file key. */
async function sealedFiles(box: Sandbox, identity: Identity): Promise<Map<string, Sealed>> {
  const files = new Map<string, Sealed>();
  for (const path of new VaultState(box.vault).secretPaths()) {
    const bytes = readFileSync(join(box.vault, secretFile(path)));
    const fileKey = await identity.unwrapFileKey(parseHeader(bytes).stanzas);
    files.set(formatSecretPath(path), { bytes, fileKey: fileKey === null ? undefined : Buffer.from(fileKey).toString("hex") });
  }
  return files;
}

/** What ends a file: everything after its header. */
function payload({ bytes }: Sealed): string {
  return bytes.subarray(parseHeader(bytes).size).toString("hex");
}

async function expectFreshKeys(words: readonly string[], lost: (secret: string) => boolean, agent: string): Promise<void> {
  const { box, keys } = await VaultAtWork.make();
  const owner = readIdentity(box.ownerKey);
  const before = await sealedFiles(box, owner);
  const known = new Set([...(await sealedFiles(box, keys[agent]!)).values()].flatMap(({ fileKey }) => fileKey ?? []));
  expect(known.size).toBeGreaterThanOrEqual(10);
  await box.ok(...words);

  const after = await sealedFiles(box, owner);
  expect([...after.keys()]).toEqual([...before.keys()]);
  for (const [secret, file] of after) {
    const old = before.get(secret)!;
    if (!lost(secret)) {
      expect([secret, file.bytes.equals(old.bytes)]).toEqual([secret, true]);
      continue;
    }
    expect([secret, known.has(file.fileKey!)]).toEqual([secret, false]);
    expect(payload(file)).not.toBe(payload(old));
    await expect(decrypt(file.bytes, [keys[agent]!])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    expect(Buffer.from(await decrypt(file.bytes, [owner]))).toEqual(Buffer.from(await decrypt(old.bytes, [owner])));
  }
  // No two files share a key, before or after.
  const all = new Set([...before, ...after].map(([, { fileKey }]) => fileKey));
  expect(all.size).toBe(before.size + [...after.keys()].filter(lost).length);
}

describe("a key that was taken away", () => {
  it("opens no file after revoke, and no new file key is an old one", () =>
    expectFreshKeys(["revoke", "alice", "stripe"], (secret) => secret.startsWith("stripe/"), "alice"));

  it("opens no file after remove-agent, and no new file key is an old one", () =>
    expectFreshKeys(["remove-agent", "bob"], (secret) => secret.startsWith("stripe/") || secret.startsWith("other/"), "bob"));

  it("opens no file after recover-agent, and no new file key is an old one", () =>
    expectFreshKeys(["recover-agent", "alice"], (secret) => secret.startsWith("stripe/"), "alice"));

  it("opens what a later set writes no more than what was there", async () => {
    const work = await VaultAtWork.make();
    const { box, keys } = work;
    await box.ok("revoke", "alice", "stripe");
    await box.set("stripe/key-1", "rotated");
    await box.set("stripe/new", "unseen");
    for (const secret of ["stripe/key-1", "stripe/new"]) {
      await expect(decrypt(readFileSync(join(box.vault, "secrets", `${secret}.enc`)), [keys["alice"]!])).rejects.toMatchObject({
        code: "NOT_AUTHORIZED",
      });
    }
  });
});

describe("an agent beyond the groups, given with set --agents", () => {
  it("keeps its secret through grants, revokes, removals and recoveries of others, and through new values", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    await box.grant("alice", "other");
    await box.ok("revoke", "alice", "stripe");
    await box.grant("alice", EXTRA_SECRET);
    await box.ok("revoke", "alice", EXTRA_SECRET);
    await box.set(EXTRA_SECRET, "another value");
    await box.ok("set", EXTRA_SECRET, "--keep-value", "--description", "of the account in Berlin");
    await box.ok("recover-agent", "bob");
    await box.ok("remove-agent", "bob");

    const changed = withReaders(work.expected, (secret, readers) => [
      ...readers.filter((agent) => agent === "carol"),
      ...(secret.startsWith("other/") ? ["alice"] : []),
    ]);
    const secrets = { ...changed.secrets, [EXTRA_SECRET]: { value: "another value", readers: ["carol"] } };
    await expectVault(box, work, { secrets, agents: ["alice", "carol"] });
  });
});
