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
  const file = join(box.vault, "vault.lock");
  const before = readFileSync(file);
  const lock = parseLock(before);
  const key = new SigningKey(identity ?? readIdentity(box.ownerKey), lock.vault);
  const next = { ...lock, sequence: lock.sequence + 1, previous: digestOf(before), ...summarize(digestsIn(new VaultFolder(box.vault))) };
  const bytes = formatLock({ ...next, ...change(lock, key) });
  writeFileSync(file, bytes);
  writeFileSync(`${file}.sig`, key.sign(bytes));
}
