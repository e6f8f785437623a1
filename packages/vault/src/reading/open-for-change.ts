import { VaultState } from "../files/vault-state.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { Digest } from "../lock/digest.js";
import { withTamperedFileNames } from "../trust/tampered-file-names.js";
import type { TrustContext } from "../trust/trust-context.js";
import { verifyState, verifyStateForChange, type TrustedState } from "../trust/verify.js";
import { readConsistently } from "./read-consistently.js";

/**
 * Opens the state that an owner is about to change, before the change has the write lock: as `openVault`, and the state must be signed
 * and the newest.
 * @param read reads what is about to be used, so that it is of the state that was verified; it may be called twice
 * @throws VaultError as `openVault`, and what `read` throws
 */
export function openForChange(
  trust: TrustContext,
  read?: (state: VaultState) => void | Promise<void>,
): Promise<{ readonly state: VaultState; readonly trusted: TrustedState }> {
  return readConsistently(trust.context, trust.root, async () => {
    const state = new VaultState(trust.root);
    const trusted = verifyStateForChange(trust, state);
    await read?.(state);
    return { state, trusted };
  });
}

/**
 * Verifies the state that an owner changes, every file of it, while the change has the write lock.
 * @returns what was signed, and the digests of all files
 * @throws VaultError as `openForChange`, `TAMPERED` with the names of the files
 */
export async function verifyForChange(
  trust: TrustContext,
  state: VaultState,
): Promise<{ readonly trusted: TrustedState; readonly digests: ReadonlyMap<string, Digest> }> {
  const trusted = verifyStateForChange(trust, state);
  const digests = await withTamperedFileNames(trust.context, trust.root, () => state.signed!.requireAll());
  return { trusted, digests };
}

/** Verifies files while a change has the write lock, where the state may still be unsigned. @throws VaultError as `openVault` */
export function verifyUnderLock(trust: TrustContext, files: VaultFiles): TrustedState | undefined {
  return verifyState(trust, files);
}
