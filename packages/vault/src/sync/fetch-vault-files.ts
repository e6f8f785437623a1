import { isVerificationError, VaultError } from "../errors.js";
import { maxBytesOf } from "../files/limits.js";
import { classify, LOCK_FILE, LOCK_SIGNATURE_FILE, SIGNERS_FOLDER, STATES_FILE } from "../format/layout.js";
import { isGitError } from "../git/errors.js";
import { fetchBlobs, missingFiles, missingInHistory, type WantedFiles } from "../git/fetch-objects.js";
import { DEFAULT_LIMITS } from "../git/remote.js";
import type { GitRepository } from "../git/repository.js";
import { Ancestry } from "../lock/ancestry.js";
import { tryOpenLock } from "../lock/open-lock.js";
import { vaultFoldersIn } from "../trust/moved-vault.js";
import { commitsReplacing, replacementsOf } from "../trust/newer-state.js";
import type { FetchedPlace } from "../trust/place.js";
import type { TrustContext } from "../trust/trust-context.js";
import { isTrustedState } from "../trust/verify-fetched.js";

/** What all files of a vault that are fetched at once may have, in bytes. */
const MAX_FETCH_BYTES = 1024 ** 3;
/** What one file takes more in a pack, in bytes: its header, and what zlib adds to bytes that it cannot compress. */
const PACK_OVERHEAD_BYTES = 4096;

const LOCKS = [LOCK_FILE, LOCK_SIGNATURE_FILE];

/** A partial clone and the vault that is fetched into it. */
export interface PartialVault {
  readonly repository: GitRepository;
  /** The remote's name. */
  readonly remote: string;
  /** The vault's folder in the repository, with `/`. */
  readonly folder: string;
}

/**
 * Fetches what says who signed the vaults of commits: the files at their top, and owners. The commits may be anybody's, so nothing is
 * asked for that belongs in no vault, and no more is taken than such files can have.
 * @param since commits that were fetched before: of those in between, locks that were replaced are fetched too
 * @throws GitError
 */
export async function fetchSignedFiles(vault: PartialVault, revisions: readonly string[], since?: string): Promise<void> {
  const { folder } = vault;
  const paths = ["", "owners/", `${SIGNERS_FOLDER}/`].map((path) => `${folder}/${path}`);
  const only = belongsIn(folder);
  await fetchFiles(
    vault,
    revisions.map((revision) => ({ revision, paths, only })),
  );
  const replacing = await Promise.all(revisions.map((revision) => locksThatReplaced(vault, revision, since)));
  await fetchFiles(vault, replacing.flat());
  for (const revision of revisions) if (await needsHistory(vault, revision)) await fetchHistory(vault, revision);
}

/**
 * Fetches the other files of a vault, once what was fetched before has been found to be signed by a trusted owner: nothing else is worth
 * its bytes. A vault that was never signed is fetched as well, where nothing says that it should be.
 * @returns whether all files are here
 * @throws GitError
 */
export async function fetchOtherFiles(trust: TrustContext, vault: PartialVault, place: FetchedPlace): Promise<boolean> {
  try {
    if (!isTrustedState(trust, vault.repository, place)) return false;
  } catch (error) {
    if (error instanceof VaultError && error.code === "VAULT_NOT_FOUND") return true;
    throw error;
  }
  await fetchFiles(vault, [{ revision: place.commit, paths: [`${vault.folder}/`], recursive: true, only: belongsIn(vault.folder) }]);
  return true;
}

/** Fetches the locks of the vaults in other folders of revisions: by them it is said where one was moved to. @throws GitError */
export async function fetchLocksElsewhere({ repository, remote }: PartialVault, revisions: readonly string[]): Promise<void> {
  const wanted = revisions.map((revision) => ({
    revision,
    paths: vaultFoldersIn(repository, revision).flatMap((folder) => LOCKS.map((file) => `${folder}/${file}`)),
  }));
  const files = wanted.filter(({ paths }) => paths.length > 0).flatMap((each) => missingFiles(repository, each));
  const bytes = files.length * (maxBytesOf(LOCK_FILE) + PACK_OVERHEAD_BYTES);
  await fetchBlobs(repository, remote, new Set(files.map(({ id }) => id)), bytesAtMost(bytes));
}

const belongsIn = (folder: string) => (path: string) => classify(path.slice(folder.length + 1)).kind !== "stray";

/** Fetches files, and takes no more bytes than they can have. @throws GitError */
async function fetchFiles({ repository, remote, folder }: PartialVault, wanted: readonly WantedFiles[]): Promise<void> {
  const files = new Map(wanted.flatMap((each) => missingFiles(repository, each)).map(({ id, path }) => [id, path]));
  const bytes = [...files.values()].map((path) => maxBytesOf(path.slice(folder.length + 1)) + PACK_OVERHEAD_BYTES);
  await fetchBlobs(repository, remote, new Set(files.keys()), bytesAtMost(bytes.reduce((sum, size) => sum + size, 0)));
}

const bytesAtMost = (maxBytes: number) => ({ ...DEFAULT_LIMITS, maxBytes: Math.min(maxBytes, MAX_FETCH_BYTES) });

/** The locks of the commits that replaced the one in a revision: with them it shows that older files were committed on top. */
async function locksThatReplaced(
  { repository, folder }: PartialVault,
  revision: string,
  since: string | undefined,
): Promise<WantedFiles[]> {
  const { blobArgs, logArgs } = replacementsOf(revision, folder, since);
  const blob = (await repository.try(blobArgs))?.trim();
  const commits = blob ? commitsReplacing(blob, await repository.run(logArgs)) : [];
  return commits.map((commit) => ({ revision: commit, paths: LOCKS.map((file) => `${folder}/${file}`) }));
}

/** Whether the states behind the one in a revision are not all in its own list, as after a change by agent-vault 0.2.0. */
async function needsHistory({ repository, folder }: PartialVault, revision: string): Promise<boolean> {
  const names = [...LOCKS, STATES_FILE].map((file) => `${revision}:${folder}/${file}`);
  const [lock, signature, states] = await repository.contents(names, maxBytesOf(STATES_FILE));
  const signed = tryOpenLock(lock, signature);
  if (!signed) return false;
  try {
    const ancestry = Ancestry.parse(states);
    return signed.lock.previous.some((digest) => !ancestry.has(digest));
  } catch (error) {
    if (isVerificationError(error)) return false;
    throw error;
  }
}

/** Fetches all locks behind a revision. Where they are more than can be read, what is behind its state is not known. @throws GitError */
async function fetchHistory({ repository, remote, folder }: PartialVault, revision: string): Promise<void> {
  const paths = LOCKS.map((file) => `${folder}/${file}`);
  try {
    const missing = missingInHistory(repository, revision, paths);
    await fetchBlobs(repository, remote, missing, bytesAtMost(missing.size * maxBytesOf(LOCK_FILE)));
  } catch (error) {
    if (!isGitError(error, "tooMuchOutput")) throw error;
  }
}
