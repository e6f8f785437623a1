import { describe, expect, it } from "vitest";
import { VaultError } from "#vault/index.js";
import { VaultFiles } from "#vault/files/vault-files.js";
import { Ancestry } from "#vault/lock/ancestry.js";
import type { Digest } from "#vault/lock/digest.js";
import { openLock } from "#vault/lock/open-lock.js";
import { SignedFiles } from "#vault/lock/signed-files.js";
import { signerLocks } from "#vault/lock/signer-locks.js";
import { CaseMachine, STATES } from "./conformance.js";

/** What the parts of a reader make of a vault, in the order in which it goes through them. */
function read(root: string): unknown {
  try {
    const files = new VaultFiles(root);
    const signed = openLock(files.read("vault.lock")!, files.read("vault.lock.sig")!);
    files.vouch(new SignedFiles(signed.lock, files.source));
    files.signed!.requireAll();
    const ancestry = Ancestry.parse(files.read("vault.states"));
    const lines = Buffer.from(ancestry.toBytes()).toString().split("\n").filter(Boolean);
    expect(lines.every((line) => ancestry.has(`sha256:${line}${"0".repeat(32)}` as Digest))).toBe(true);
    const signers = signerLocks(files, signed.lock.vault).map(({ digest }) => digest);
    return { sequence: signed.lock.sequence, previous: signed.lock.previous, states: lines, signers };
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}

describe("the states of fixtures/states:", () => {
  it.each(STATES.map((given) => [given.name, given] as const))("%s", (_, given) => {
    const { box } = new CaseMachine({ ...given, calls: [] });
    expect(read(box.vault)).toEqual(given.error ?? given.state);
  });
});
