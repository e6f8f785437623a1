import { dirname, relative, sep } from "node:path";
import type { Context } from "../context.js";
import { VaultFolder } from "../files/vault-folder.js";
import { LOCK_FILE } from "../format/layout.js";
import { isGitError } from "../git/errors.js";
import { fetchRefs, ownRef } from "../git/fetch-refs.js";
import { isFullRef, type FullRef } from "../git/full-ref.js";
import { findGitFolders } from "../git/git-folders.js";
import { readContentsSync, readObjectsSync, type GitObject } from "../git/contents-sync.js";
import { listRemote } from "../git/remote-refs.js";
import { GitRepository } from "../git/repository.js";
import type { Keys } from "../keys/find-key.js";
import { digestOf } from "../lock/digest.js";
import { MAX_LOCK_BYTES } from "../lock/lock.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { formatDuration } from "../text/duration.js";
import { followedBy, type Followed } from "../trust/followed.js";
import { findNewerState } from "../trust/newer-state.js";
import { readMemory } from "../trust/memory-store.js";
import { TrustContext } from "../trust/trust-context.js";
import { fetchCache } from "./fetch-cache.js";
import { formatReason, type FetchOutcome } from "./fetch-outcome.js";
import { readFetchRecord, writeFetchRecord, type FetchedTip } from "./fetch-record.js";
import { readSyncSettings, type SyncSettings } from "./sync-settings.js";

/** What is asked of a remote: its refs by their full names. */
interface Wanted {
  readonly home: FullRef | undefined;
  readonly upstream: FullRef | undefined;
}

/** Who asks, and whether going on without an answer is out of the question. */
interface Asking {
  readonly keys: Keys | undefined;
  readonly mustAnswer?: boolean;
  /** Whether this was asked for on purpose: then a failure is said each time. */
  readonly onPurpose?: boolean;
}

/** Fetches what `fetchStates` promises, and notes what the remote said. @throws VaultError as there, and `GIT_FAILED` where it must answer */
export async function askRemote(
  context: Context,
  root: string,
  { keys, mustAnswer = false, onPurpose = false }: Asking,
): Promise<FetchOutcome> {
  const before = readFetchRecord(root);
  const now = context.now().getTime();
  const { intervalS, sync } = await readSyncSettings(new VaultFolder(root));
  try {
    const repository = await GitRepository.find(context, dirname(root));
    const followed = followedBy(context, root);
    if (!followed) return "no-remote";
    const vaultId = vaultIdIn(new VaultFolder(root));
    // What the remote calls its main branch counts as it was first seen.
    const known = vaultId === undefined ? undefined : fullRef(readMemory(context, vaultId)?.remotes[followed.remote]?.home);
    const wanted = { home: known ?? homeBySettings(sync) ?? followed.defaultRef, upstream: followed.upstream?.ref };
    const present = await fetchWanted(repository, followed, wanted);
    const found = tipsOf(readTips(context, root, followed.remote, present), wanted, present, followed);
    const home = found.home && (await withSuperseded(repository, root, found.home, before?.home));
    const upstream = home && found.upstream?.ref === home.ref ? home : found.upstream;
    const vault = vaultId ?? vaultIdAt(context, root, upstream ?? home);
    const about = { triedAt: now, fetchedAt: now, intervalS, remote: followed.remote, path: repository.pathOf(root), vault };
    writeFetchRecord(root, { ...about, ...(home && { home }), ...(upstream && { upstream }) });
    fetchCache.forgetWarnings(root);
    return "fetched";
  } catch (error) {
    // Another process is fetching the same.
    if (isGitError(error, "lockedRef")) return "recent";
    if (mustAnswer || isFatal(context, root, keys, error)) throw error;
    const warning = `${sayAge(before?.fetchedAt, now)}: ${formatReason(error)}`;
    if (onPurpose) context.warn(warning);
    else fetchCache.warnOnce(context, root, warning);
    writeFetchRecord(root, { ...(before ?? { remote: "", path: "" }), triedAt: now, intervalS });
    return "offline";
  }
}

function homeBySettings({ branch }: SyncSettings["sync"]): FullRef | undefined {
  return branch === undefined ? undefined : fullRef(branch.startsWith("refs/") ? branch : `refs/heads/${branch}`);
}

function fullRef(text: string | undefined): FullRef | undefined {
  return text !== undefined && isFullRef(text) ? text : undefined;
}

/**
 * Fetches some refs at once. Where one is gone, or the main one is not known yet, the remote is asked what it has.
 * @returns those that the remote has
 */
async function fetchWanted(repository: GitRepository, { name, remote }: Followed, wanted: Wanted): Promise<Wanted> {
  const fetch = async ({ home, upstream }: Wanted) => {
    const refs = [...new Set([home, upstream].filter((ref) => ref !== undefined))].map((ref) => ({ from: ref, to: ownRef(remote, ref) }));
    if (refs.length > 0) await fetchRefs(repository, name, refs);
  };
  let present = wanted.home === undefined ? await presentOn(repository, name, wanted) : wanted;
  try {
    await fetch(present);
  } catch (error) {
    if (!isGitError(error, "noSuchRef")) throw error;
    present = await presentOn(repository, name, wanted);
    await fetch(present);
  }
  return present;
}

/** Which of the refs the remote has. A vault's main ref that is gone is followed by the one that the remote's HEAD names now. */
async function presentOn(repository: GitRepository, name: string, { home, upstream }: Wanted): Promise<Wanted> {
  const { head, refs } = await listRemote(repository, name);
  const has = (ref: FullRef | undefined) => (ref !== undefined && refs.has(ref) ? ref : undefined);
  return { home: has(home) ?? has(head), upstream: has(upstream) };
}

/** What is noted of the refs, those that are gone among them. A new clone's default branch is the vault's main one under another name. */
function tipsOf(
  [home, upstream]: readonly (FetchedTip | undefined)[],
  wanted: Wanted,
  present: Wanted,
  { defaultRef }: Followed,
): { home?: FetchedTip; upstream?: FetchedTip } {
  const gone = (ref: FullRef | undefined): FetchedTip | undefined => ref && { ref };
  const [main, followed] = [home ?? gone(wanted.home), upstream ?? gone(wanted.upstream)];
  return {
    ...(main && { home: { ...main, isHome: true } }),
    ...(followed && { upstream: { ...followed, isHome: [present.home, defaultRef].includes(followed.ref) } }),
  };
}

/**
 * Notes of a tip whose vault has changed whether the new commits hold a later state than it: somebody has committed older files on top. Only
 * the commits since the last fetch are looked at, since a read must not walk a long history.
 */
async function withSuperseded(
  repository: GitRepository,
  root: string,
  tip: FetchedTip,
  before: FetchedTip | undefined,
): Promise<FetchedTip> {
  if (tip.commit === undefined || tip.lock === undefined) return tip;
  if (before?.commit === tip.commit) return { ...tip, superseded: before.superseded };
  if (before?.commit === undefined || before.lock === tip.lock) return tip;
  const newer = await findNewerState(repository, root, { tip: tip.commit, since: before.commit });
  return newer ? { ...tip, superseded: { sequence: newer.lock.sequence, lock: newer.digest } } : tip;
}

/** The commits of refs that were fetched, and the locks in them. */
function readTips(context: Context, root: string, remote: string, { home, upstream }: Wanted): (FetchedTip | undefined)[] {
  const { workTree } = findGitFolders(dirname(root))!;
  const lock = `${relative(workTree, root).split(sep).join("/")}/${LOCK_FILE}`;
  const refs = [home, upstream];
  const names = refs.flatMap((ref) => (ref === undefined ? [] : [`${ownRef(remote, ref)}^{commit}`, `${ownRef(remote, ref)}:${lock}`]));
  const objects = readSmall(context, workTree, names);
  return refs.map((ref) => {
    if (ref === undefined) return undefined;
    const [commit, blob] = objects.splice(0, 2);
    return {
      ref,
      ...(commit?.type === "commit" && { commit: commit.id }),
      ...(blob?.type === "blob" && { lock: digestOf(blob.bytes) }),
    };
  });
}

/** What is too large for a lock is left to the reader of the commit, which says so. */
function readSmall(context: Context, folder: string, names: readonly string[]): (GitObject | undefined)[] {
  try {
    return readObjectsSync(context, folder, names, 4 * MAX_LOCK_BYTES);
  } catch (error) {
    if (!isGitError(error, "tooMuchOutput")) throw error;
    const commits = readObjectsSync(
      context,
      folder,
      names.filter((_, index) => index % 2 === 0),
      4 * MAX_LOCK_BYTES,
    );
    return commits.flatMap((commit) => [commit, undefined]);
  }
}

/** The id of the vault in a tip. Whether it is what it claims to be is seen later. */
function vaultIdAt(context: Context, root: string, tip: FetchedTip | undefined): string | undefined {
  if (tip?.lock === undefined) return undefined;
  const { workTree } = findGitFolders(dirname(root))!;
  const name = `${tip.commit}:${relative(workTree, root).split(sep).join("/")}/${LOCK_FILE}`;
  const [bytes] = readContentsSync(context, workTree, [name], 2 * MAX_LOCK_BYTES);
  return vaultIdIn({ read: () => bytes });
}

/** A fetch that begins and cannot end hides what the remote holds; being offline does not. */
function isFatal(context: Context, root: string, keys: Keys | undefined, error: unknown): boolean {
  if (/^(?:1|true)$/i.test(context.env["AGENT_VAULT_REQUIRE_FRESH"] ?? "")) return true;
  return isGitError(error, "timedOut") && new TrustContext(context, root, keys).isStrict;
}

function sayAge(fetchedAt: number | undefined, now: number): string {
  if (fetchedAt === undefined) return "The vault's remote could not be asked, so this is the state that is here";
  const minutes = Math.max(1, Math.round((now - fetchedAt) / 60_000));
  return `The vault's remote could not be asked, so this is the state of ${formatDuration(minutes * 60_000)} ago`;
}
