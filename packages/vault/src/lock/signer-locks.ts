import { VaultError } from "../errors.js";
import { SIGNERS_FOLDER, signerLockFile, signerSignatureFile } from "../format/layout.js";
import { openLock, type SignedLock } from "./open-lock.js";
import { tampered } from "./signed-files.js";

/** Files of a vault that the present state vouches for. */
export interface VouchedFiles {
  read(file: string): Uint8Array | undefined;
  /** Every file below a folder, by its path in the vault. */
  filesBelow(folder: string): readonly string[];
}

/**
 * The states in `signers/`: the first one, and each that changed who may sign the next. They show who vouched for whom where the
 * repository's history does not reach back.
 * @param files those of the present state, vouched for
 * @param vault the vault's id
 * @returns each with a right signature, by sequence, then digest. Whom to trust is for the caller to judge.
 * @throws VaultError `TAMPERED` where one is not what its name says, or of another vault; `TOO_NEW`
 */
export function signerLocks(files: VouchedFiles, vault: string): SignedLock[] {
  const names = files.filesBelow(SIGNERS_FOLDER);
  const digests = new Set(names.map((file) => file.slice(SIGNERS_FOLDER.length + 1).replace(/\.(?:lock|sig)$/, "")));
  const locks = [...digests].map((digest) => open(files, digest, vault));
  return locks.toSorted((a, b) => a.lock.sequence - b.lock.sequence || (a.digest < b.digest ? -1 : 1));
}

function open(files: VouchedFiles, digest: string, vault: string): SignedLock {
  const names = [signerLockFile(digest), signerSignatureFile(digest)] as const;
  const [bytes, signature] = names.map((file) => files.read(file));
  if (!bytes || !signature) throw tampered([names[bytes ? 1 : 0]]);
  const signed = openSigned(bytes, signature);
  if (signed?.digest !== `sha256:${digest}` || signed.lock.vault !== vault) throw tampered([names[0]]);
  return signed;
}

function openSigned(bytes: Uint8Array, signature: Uint8Array): SignedLock | undefined {
  try {
    return openLock(bytes, signature);
  } catch (error) {
    if (error instanceof VaultError && error.code === "BAD_SIGNATURE") return undefined;
    throw error;
  }
}
