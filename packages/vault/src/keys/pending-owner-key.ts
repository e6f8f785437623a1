import { createHash } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { archiveKeyFile, vaultOwnerKeyFile } from "./key-files.js";
import { LOCK_FILE } from "../format/layout.js";
import { parseLock, type Lock } from "../lock/lock.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import { withWriteLock } from "../disk/write-lock.js";

/** Where an owner's new key waits until its vault has taken it over. The name says which key it is, also of a protected one. */
export function pendingKeyFile(context: Context, vaultId: string, key: SshPublicKey): string {
  return `${vaultOwnerKeyFile(context, vaultId)}.new-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

/**
 * Puts an owner's new key in its place once the vault names it as an owner's, and moves the vault's former own key aside.
 * @returns where the key lies now and where the former one went, or `undefined` where none waits
 */
export async function installPendingKey(
  context: Context,
  { vault, owners }: Pick<Lock, "vault" | "owners">,
): Promise<{ keyFile: string; retiredKeyFile: string | undefined } | undefined> {
  const keyFile = vaultOwnerKeyFile(context, vault);
  const waiting = () => owners.map(({ key }) => pendingKeyFile(context, vault, key)).find((file) => existsSync(file));
  if (waiting() === undefined) return undefined;
  return withWriteLock(context, dirname(keyFile), async () => {
    const file = waiting();
    if (file === undefined) return undefined;
    const retiredKeyFile = archiveKeyFile(context, keyFile);
    renameSync(file, keyFile);
    return { keyFile, retiredKeyFile };
  });
}

/** Does so for a rotation whose process was killed after the vault had changed. What the lock claims decides over a file's name alone. */
export async function finishInterruptedRotation(context: Context, root: string): Promise<void> {
  const bytes = new VaultFolder(root).read(LOCK_FILE);
  if (!bytes) return;
  try {
    const settled = await installPendingKey(context, parseLock(bytes));
    if (settled) context.warn(`An interrupted rotate-owner was finished: your new key for this vault is ${settled.keyFile}.`);
  } catch (error) {
    // What is wrong with the lock is said where it counts.
    if (!(error instanceof VaultError) || error.code !== "BAD_SIGNATURE") throw error;
  }
}
