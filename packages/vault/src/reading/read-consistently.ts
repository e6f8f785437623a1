import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import type { Keys } from "../keys/key-files.js";
import { VaultTrust, type TrustedState } from "../trust/vault-trust.js";
import type { VaultFiles } from "../files/vault-files.js";

/** How often files are looked at that another process may just be putting in place. */
const LOOKS = 3;

/**
 * The files of a vault, verified. While another process brings in the next state, file by file, a look at them may meet some of each: then
 * it is waited for and they are looked at again, with all checks.
 * @param files new for each look
 * @param touch reads what is about to be used, so that it is of the same state. What else is wrong with these files is said where they are used
 * @throws VaultError as {@link VaultTrust.verify}
 */
export async function readConsistently<F extends VaultFiles>(
  context: Context,
  root: string,
  keys: Keys | undefined,
  files: () => F,
  touch: (files: F) => void | Promise<void>,
): Promise<{ files: F; state: TrustedState | undefined }> {
  const trust = new VaultTrust(context, root, keys);
  for (let looks = 1; ; looks++) {
    const mayBeHalfway = async (error: unknown) => looks < LOOKS && isHalfway(error) && (await othersAreDone(context, root));
    const look = files();
    let state: TrustedState | undefined;
    try {
      state = await trust.verify(look);
    } catch (error) {
      if (await mayBeHalfway(error)) continue;
      throw error;
    }
    try {
      await touch(look);
    } catch (error) {
      if (await mayBeHalfway(error)) continue;
    }
    return { files: look, state };
  }
}

function isHalfway(error: unknown): boolean {
  return isVerificationError(error) || (error instanceof VaultError && error.code === "DAMAGED");
}

/** Waits until no other process changes the vault. @returns `false` where none can have done so, or that cannot be told */
async function othersAreDone(context: Context, root: string): Promise<boolean> {
  const [{ GitRepository }, { withWriteLock }] = await Promise.all([import("../git/repository.js"), import("../disk/write-lock.js")]);
  try {
    const folder = join((await GitRepository.find(context, dirname(root))).gitDir, "agent-vault");
    if (!existsSync(folder)) return false;
    return await withWriteLock(context, folder, async () => true);
  } catch {
    return false;
  }
}
