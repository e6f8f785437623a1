import { isVerificationError, VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultFiles } from "../files/vault-files.js";
import { maxBytesOf } from "../files/limits.js";
import { VaultFolder } from "../files/vault-folder.js";
import type { FileSource } from "../format/file-source.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import { SignedFiles } from "../lock/signed-files.js";
import { anotherVaultOffered, rollback, unsigned } from "./errors.js";
import { requireNotOlderThan, requireValid } from "./freshness.js";
import { knownOf, recordOnRemote } from "./known.js";
import { findNewerState } from "./newer-state.js";
import { readSignedLock, requireNeverSigned, requireTrustedSigner, requireVaultOfKey } from "./signer.js";
import type { TrustContext } from "./trust-context.js";
import type { Upstream } from "./upstream.js";

/** What a remote offers, and how closely it is looked at. */
interface Offer {
  readonly files: VaultFiles;
  /** The remote's URL and branch. */
  readonly remote: string;
  /** The state in the work tree, which counts where its signer is trusted. */
  readonly present: SignedLock | undefined;
  /** A state that an owner made of the offered one, and that the same remote holds behind it. */
  readonly newer: SignedLock | undefined;
  /** With all files, before any of it reaches the work tree; otherwise its signature and its place in time. */
  readonly inFull: boolean;
}

/**
 * Verifies the state that was fetched of an upstream, in the order of `verifyState`, and remembers that it lies there.
 * @param commit the upstream's commit
 * @param options.inFull with all files, as must be before it comes into the work tree; otherwise its signature and its place in time
 * @returns the state, or `undefined` for a vault that was never signed
 * @throws VaultError as `verifyState`, `TAMPERED`
 */
export async function verifyUpstream(
  repository: GitRepository,
  upstream: Upstream,
  commit: string,
  trust: TrustContext,
  { inFull }: { inFull: boolean },
): Promise<SignedLock | undefined> {
  const { root } = trust;
  const source = inFull ? await CommitFiles.read(repository, commit, root) : await readTop(repository, commit, root);
  const offered = signedLockIn(source);
  const newer = offered && (await findNewerState(repository, root, commit, offered));
  return verifyOffer(trust, {
    files: new VaultFiles(source),
    remote: upstream.id,
    present: signedLockIn(new VaultFolder(root)),
    newer,
    inFull,
  });
}

function verifyOffer(trust: TrustContext, { files, remote, present, newer, inFull }: Offer): SignedLock | undefined {
  const signed = readSignedLock(files);
  const local = present && isTrusted(trust, present) ? present : undefined;
  if (!signed) {
    if (local) throw unsigned("The remote offers a state of this vault that is not signed.");
    return requireNeverSigned(trust, files);
  }
  if (local && signed.lock.vault !== local.lock.vault) throw anotherVaultOffered(signed.lock, local.lock);
  requireVaultOfKey(trust, signed);
  const known = knownOf(trust, signed);
  requireTrustedSigner(trust, signed, known);
  const { memory } = known;
  const seen = memory?.remotes[remote];
  if (memory && seen) requireNotOlderThan(trust, signed, seen, memory);
  // A fast-forward leads from the present state to a later one.
  if (memory && inFull && local?.digest === memory.lock) requireNotOlderThan(trust, signed, memory, memory);
  if (newer) throw rollback(signed, { sequence: newer.lock.sequence, lock: newer.digest });
  requireValid(trust, signed);
  if (inFull) new SignedFiles(signed.lock, files.source, { offered: true }).requireAll();
  recordOnRemote(trust, signed, remote);
  return signed;
}

function isTrusted(trust: TrustContext, signed: SignedLock): boolean {
  try {
    requireVaultOfKey(trust, signed);
    const known = knownOf(trust, signed);
    if (!known.memory && known.anchors.keys.length === 0) return false;
    requireTrustedSigner(trust, signed, known);
    return true;
  } catch (error) {
    if (isVerificationError(error)) return false;
    throw error;
  }
}

/** The files that say what a commit's state is, without those that they vouch for. */
async function readTop(repository: GitRepository, commit: string, root: string): Promise<FileSource> {
  const files = [LOCK_FILE, LOCK_SIGNATURE_FILE, CONFIG_FILE];
  const bytes = await repository.contents(
    files.map((file) => `${commit}:${repository.pathOf(root)}/${file}`),
    maxBytesOf(LOCK_FILE),
  );
  return { root, read: (file) => bytes[files.indexOf(file)], walk: () => files.map((file) => ({ file, kind: "file" })) };
}

/** A lock with a signature that is right; whom to trust is judged elsewhere. */
function signedLockIn(source: FileSource): SignedLock | undefined {
  try {
    return tryOpenLock(source.read(LOCK_FILE), source.read(LOCK_SIGNATURE_FILE));
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}
