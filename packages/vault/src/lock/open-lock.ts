import { VaultError } from "../errors.js";
import type { FileReader } from "../format/file-source.js";
import { LOCK_FILE } from "../format/layout.js";
import { digestOf, type Digest } from "./digest.js";
import { parseLock, type Lock } from "./lock.js";
import { parseJoinedStates } from "./joined-lock.js";
import { badSignature, isSignatureOf, parseSignature, type SshPublicKey } from "./ssh-signature.js";

/** A lock whose signature is right, by whomever it was made. */
export interface SignedLock {
  readonly lock: Lock;
  readonly digest: Digest;
  readonly signer: SshPublicKey;
  /** The bytes of `vault.lock.sig`. */
  readonly signature: Uint8Array;
}

/** Reads a lock with its signature. Who signed is for the caller to judge. @throws VaultError `BAD_SIGNATURE` */
export function openLock(bytes: Uint8Array, signature: Uint8Array): SignedLock {
  const joined = parseJoinedStates(bytes);
  if (joined) {
    throw new VaultError("BAD_SIGNATURE", "git has joined two states of the vault, and no owner has signed the result yet.", {
      remedy:
        "An owner of the vault signs it with agent-vault sync. To give the merge up: git merge --abort, or git reset --keep ORIG_HEAD.",
    });
  }
  if (/^<{7} /m.test(Buffer.from(bytes).toString("latin1"))) {
    throw new VaultError("BAD_SIGNATURE", "vault.lock holds the two sides of an unfinished merge, and nobody has signed that.", {
      remedy:
        "Where the merge is committed, an owner signs a merge of both sides with agent-vault sync. Before that, commit it as it is, or give it up (git merge --abort, git rebase --abort).",
    });
  }
  const parsed = parseSignature(signature);
  if (!isSignatureOf(parsed, bytes)) throw badSignature("vault.lock is not what was signed");
  return { lock: parseLock(bytes), digest: digestOf(bytes), signer: parsed.key, signature };
}

/** As {@link openLock}, but `undefined` where this is no signed lock: git's history may hold anything that was ever pushed. */
export function tryOpenLock(bytes: Uint8Array | undefined, signature: Uint8Array | undefined): SignedLock | undefined {
  try {
    return bytes && signature && openLock(bytes, signature);
  } catch {
    return undefined;
  }
}

/** The id that a vault claims to have, to look up what is known of it; whether the claim holds is seen later. */
export function vaultIdIn(files: FileReader): string | undefined {
  let lock: Uint8Array | undefined;
  try {
    lock = files.read(LOCK_FILE);
    return lock && parseLock(lock).vault;
  } catch {
    // Two sides that git has joined say it once.
    return lock && /^vault: ([0-9A-Za-z-]{8,64})$/m.exec(Buffer.from(lock).toString("latin1"))?.[1];
  }
}
