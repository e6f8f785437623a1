import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VaultFolder, type Identity } from "#vault/index.js";
import { digestOf } from "#vault/lock/digest.js";
import { formatLock, parseLock, type Lock } from "#vault/lock/lock.js";
import { digestsIn, summarize } from "#vault/lock/signed-files.js";
import { SigningKey } from "#vault/keys/signing-key.js";
import { readIdentity } from "./identity.js";
import type { Sandbox } from "./sandbox.js";

/** Signs the vault in the work tree as it is, with whatever key: as the next state, unless the lock should say something else. */
export function resign(box: Sandbox, change: (lock: Lock, key: SigningKey) => Partial<Lock> = () => ({}), identity?: Identity): void {
  const before = readFileSync(join(box.vault, "vault.lock"));
  const lock = parseLock(before);
  const key = new SigningKey(identity ?? readIdentity(box.ownerKey), lock.vault);
  signFolder(box.vault, key, { sequence: lock.sequence + 1, previous: [digestOf(before)], ...change(lock, key) });
}

/** Signs what lies in a vault's folder, in a lock that says what it says now, but for what is changed in it; a higher sequence follows it. */
export function signFolder(vault: string, key: SigningKey, change: Partial<Lock> = {}): void {
  const before = readFileSync(join(vault, "vault.lock"));
  const present = parseLock(before);
  const { files, trees } = summarize(digestsIn(new VaultFolder(vault)));
  const isNext = change.sequence !== undefined && change.sequence > present.sequence;
  const lock = { ...present, files, trees, ...(isNext && { previous: [digestOf(before)] }), ...change };
  writeLock(vault, formatLock(lock), key);
}

export function writeLock(vault: string, bytes: Uint8Array, key: SigningKey): void {
  writeFileSync(join(vault, "vault.lock"), bytes);
  writeFileSync(join(vault, "vault.lock.sig"), key.sign(bytes));
}
