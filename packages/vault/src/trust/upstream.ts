import { CommitFiles } from "../files/commit-files.js";
import type { GitRepository } from "../git/repository.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import type { FileSource } from "../format/file-source.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { VaultFiles } from "../files/vault-files.js";
import { findSuccessor } from "./lock-history.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import type { VaultTrust } from "./vault-trust.js";

/** The branch of a remote that the checked-out branch follows. */
export interface Upstream {
  /** The remote's name, such as `origin`. */
  readonly remote: string;
  /** The branch there: `refs/heads/main`. */
  readonly branch: string;
  /** What was last fetched of it: `refs/remotes/origin/main`. */
  readonly tracking: string;
  /** The same as a person says it: `origin/main`. */
  readonly name: string;
  /** Its name in the memory of trust: URL and branch, without user name and password. */
  readonly id: string;
}

/** The upstream of the checked-out branch, or `undefined` where it has none. */
export async function findUpstream(repository: GitRepository): Promise<Upstream | undefined> {
  const { ref } = await repository.head();
  if (ref === "HEAD") return undefined;
  const format = "--format=%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)";
  const [remote, branch, tracking] = ((await repository.try(["for-each-ref", format, ref])) ?? "").trimEnd().split("\0");
  if (!remote || !branch || !tracking) return undefined;
  const url = (await repository.try(["remote", "get-url", remote]))?.trim() ?? remote;
  return { remote, branch, tracking, name: tracking.replace("refs/remotes/", ""), id: `${withoutCredentials(url)} ${branch}` };
}

/**
 * Verifies the state that was fetched of an upstream.
 * @param root the vault's folder
 * @param commit the upstream's commit
 * @param options.inFull with all files, as must be before it comes into the work tree; otherwise its signature and its place in time
 * @returns the state, or `undefined` for a vault that nobody ever signed
 * @throws VaultError as {@link VaultTrust.verifyRemote}
 */
export async function verifyUpstream(
  repository: GitRepository,
  root: string,
  upstream: Upstream,
  commit: string,
  trust: VaultTrust,
  { inFull }: { inFull: boolean },
): Promise<SignedLock | undefined> {
  const source = inFull ? await CommitFiles.read(repository, commit, root) : await readTop(repository, commit, root);
  const offered = signedLockIn(source);
  const successor = offered && (await findSuccessor(repository, root, commit, offered));
  return trust.verifyRemote(new VaultFiles(source), upstream.id, signedLockIn(new VaultFolder(root)), { inFull, successor });
}

/** The files that say what a commit's state is, without those that they vouch for. */
async function readTop(repository: GitRepository, commit: string, root: string): Promise<FileSource> {
  const files = [LOCK_FILE, LOCK_SIGNATURE_FILE, CONFIG_FILE];
  const bytes = await repository.contents(files.map((file) => `${commit}:${repository.pathOf(root)}/${file}`));
  return { root, read: (file) => bytes[files.indexOf(file)], walk: () => files.map((file) => ({ file, kind: "file" })) };
}

/** A lock with a signature that is right; whom to trust is judged elsewhere. */
function signedLockIn(source: FileSource): SignedLock | undefined {
  try {
    const [lock, signature] = [source.read(LOCK_FILE), source.read(LOCK_SIGNATURE_FILE)];
    return lock && signature && openLock(lock, signature);
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^@/]*@/i, "$1");
}
