import { createHash } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock } from "../disk/write-lock.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { LOCK_FILE } from "../format/layout.js";
import { parseLock, type Lock } from "../lock/lock.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import { archiveKeyFile, vaultOwnerKeyFile } from "./key-file.js";

/** Where an owner's new key is kept until the vault names it as an owner's. The name identifies the key, also of a protected file. */
export function pendingKeyFile(context: Context, vaultId: string, key: SshPublicKey): string {
  return `${vaultOwnerKeyFile(context, vaultId)}.new-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

/** Where an owner's new key is now. */
export interface InstalledKey {
  readonly keyFile: string;
  /** Where the former key for this vault was moved to, if there was one. */
  readonly retiredKeyFile: string | undefined;
}

/**
 * Renames an owner's pending key to this vault's owner key once the vault names it as an owner's, and archives the former one.
 * @returns `undefined` where no key is pending
 */
export async function installPendingKey(
  context: Context,
  { vault, owners }: Pick<Lock, "vault" | "owners">,
): Promise<InstalledKey | undefined> {
  const keyFile = vaultOwnerKeyFile(context, vault);
  const findPending = () => owners.map(({ key }) => pendingKeyFile(context, vault, key)).find((file) => existsSync(file));
  if (findPending() === undefined) return undefined;
  return withWriteLock(context, dirname(keyFile), async () => {
    const pending = findPending();
    if (pending === undefined) return undefined;
    const retiredKeyFile = archiveKeyFile(context, keyFile);
    renameSync(pending, keyFile);
    return { keyFile, retiredKeyFile };
  });
}

/** Installs the key of a rotation whose process was killed after the vault had changed: the lock decides which file is the owner's. */
export async function finishInterruptedRotation(context: Context, root: string): Promise<void> {
  const bytes = new VaultFolder(root).read(LOCK_FILE);
  if (!bytes) return;
  try {
    const installed = await installPendingKey(context, parseLock(bytes));
    if (installed) context.warn(`An interrupted rotate-owner was finished: your new key for this vault is ${installed.keyFile}.`);
  } catch (error) {
    // A damaged lock is reported where it is verified.
    if (!(error instanceof VaultError) || error.code !== "BAD_SIGNATURE") throw error;
  }
}
