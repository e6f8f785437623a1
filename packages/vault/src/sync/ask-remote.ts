import { existsSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import type { Context } from "../context.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultFolder } from "../files/vault-folder.js";
import { VaultError } from "../errors.js";
import { LOCK_FILE } from "../format/layout.js";
import { isGitError } from "../git/errors.js";
import { fetchRefs, ownRef } from "../git/fetch-refs.js";
import { isFullRef, type FullRef } from "../git/full-ref.js";
import { findGitFolders } from "../git/git-folders.js";
import { readContentsSync, readObjectsSync, type GitObject } from "../git/contents-sync.js";
import { isPartialClone, isPromisorClone } from "../git/partial-clone.js";
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
import { isTrustedState } from "../trust/verify-fetched.js";
import { fetchCache } from "./fetch-cache.js";
import { formatReason, type FetchOutcome } from "./fetch-outcome.js";
import { placeOf, readFetchRecord, writeFetchRecord, type FetchedTip, type FetchRecord } from "./fetch-record.js";
import { fetchLocksElsewhere, fetchOtherFiles, fetchSignedFiles, type PartialVault } from "./fetch-vault-files.js";
import { settingsOfFetched, settingsOfHome } from "./home-settings.js";
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
  /** Tries to put right what made git fail, in a clone of ours; says whether it could. */
  readonly repair?: ((error: unknown) => Promise<boolean>) | undefined;
}

/** Fetches what `fetchStates` promises, and notes what the remote said. @throws VaultError as there, and `GIT_FAILED` where it must answer */
export async function askRemote(
  context: Context,
  root: string,
  { keys, mustAnswer = false, onPurpose = false, repair }: Asking,
): Promise<FetchOutcome> {
  const before = readFetchRecord(root);
  const now = context.now().getTime();
  const progress = { hasBegun: false };
  try {
    return await fetchTips(new TrustContext(context, root, keys), before, now, progress);
  } catch (error) {
    // Another process is fetching the same.
    if (isGitError(error, "lockedRef")) return "recent";
    if (await repair?.(error)) return "fetched";
    const isCutShort = isGitError(error, "timedOut", "cutShort", "tooMuchOutput") || (progress.hasBegun && isGitError(error, "other"));
    if (mustAnswer || isFatal(context, root, keys, isCutShort)) throw error;
    const warning = `${sayAge(before?.fetchedAt, now)}: ${formatReason(error)}`;
    if (onPurpose) context.warn(warning);
    else fetchCache.warnOnce(context, root, warning);
    const intervalS = existsSync(root) || !before ? (await readSyncSettings(new VaultFolder(root))).intervalS : before.intervalS;
    writeFetchRecord(root, { ...(before ?? { remote: "", path: "" }), triedAt: now, intervalS });
    return "offline";
  }
}

async function fetchTips(
  trust: TrustContext,
  before: FetchRecord | undefined,
  now: number,
  progress: { hasBegun: boolean },
  namedHome?: FullRef,
): Promise<FetchOutcome> {
  const { context, root } = trust;
  const repository = await GitRepository.find(context, dirname(root));
  const vaultId = vaultIdIn(new VaultFolder(root));
  const followed = followedBy(context, root, (await settingsOfHome(context, vaultId ?? before?.vault)).remote);
  if (!followed) return "no-remote";
  const wanted = { home: namedHome ?? homeOf(context, root, followed, before), upstream: followed.upstream?.ref };
  const present = await fetchWanted(repository, followed, wanted);
  progress.hasBegun = true;
  const path = repository.pathOf(root);
  const isPartial = isPartialClone(repository.workTree) || isPromisorClone(repository.workTree);
  const partial = isPartial ? { repository, remote: followed.name, folder: path } : undefined;
  const tips = await completed(partial, before, isKnown(context, vaultId ?? before?.vault), () =>
    readTips(context, root, followed.remote, present),
  );
  const found = tipsOf(tips, wanted, present, followed);
  const home = found.home && (await withSuperseded(repository, root, found.home, before?.home));
  const upstream = home && found.upstream?.ref === home.ref ? home : found.upstream;
  const vault = vaultId ?? vaultIdAt(context, root, upstream ?? home) ?? before?.vault;
  const about = { triedAt: now, fetchedAt: now, remote: followed.remote, path, vault };
  const whole = async (tip: FetchedTip): Promise<FetchedTip> =>
    !partial || tip.commit === undefined || tip.isWhole
      ? tip
      : { ...tip, isWhole: await fetchOtherFiles(trust, partial, placeOf(about, tip)) };
  const wholeHome = home && (await whole(home));
  const wholeUpstream = upstream && (upstream === home ? wholeHome : await whole(upstream));
  const { intervalS } = await settingsOf(repository, root, wholeUpstream ?? wholeHome);
  const record = { ...about, intervalS, ...(home && { home: wholeHome }), ...(upstream && { upstream: wholeUpstream }) };
  const isWritten = writeFetchRecord(root, record);
  fetchCache.forgetWarnings(root);
  if (namedHome !== undefined || !isWritten) return "fetched";
  const named = await namedBy(trust, repository, followed, record, partial);
  // Which ref is the main one shows in a new clone of ours once it is known which vault it holds.
  const known = partial && !before ? homeOf(context, root, followed, readFetchRecord(root)) : undefined;
  const main = named ?? known;
  return main === undefined || main === home?.ref ? "fetched" : fetchTips(trust, readFetchRecord(root), now, progress, main);
}

/** The main ref as the vault's own settings name it, once that ref is or follows all that was seen of the one that was the main one so far. */
async function namedBy(
  trust: TrustContext,
  repository: GitRepository,
  { name, remote }: Followed,
  record: Omit<FetchRecord, "about">,
  partial: PartialVault | undefined,
): Promise<FullRef | undefined> {
  const { home, vault } = record;
  if (home?.commit === undefined || home.lock === undefined) return undefined;
  const isSeen = isKnown(trust.context, vault);
  const { ref } = isSeen
    ? await settingsOfHome(trust.context, vault, remote)
    : await settingsOfFetched(trust, repository, placeOf(record, home));
  if (ref === undefined || ref === home.ref) return undefined;
  try {
    await fetchRefs(repository, name, [{ from: ref, to: ownRef(remote, ref) }]);
    const commit = await repository.commitAt(ownRef(remote, ref));
    if (partial) await fetchSignedFiles(partial, [commit]);
    return isTrustedState(trust, repository, placeOf(record, { ref, commit, isHome: true }, vault)) ? ref : undefined;
  } catch (error) {
    if (isGitError(error, "noSuchRef") || (error instanceof VaultError && error.code === "VAULT_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The vault's main ref, as far as it is known: as it was last seen, else as the clone took it from the remote. */
function homeOf(context: Context, root: string, { remote, defaultRef }: Followed, before: FetchRecord | undefined): FullRef | undefined {
  const vaultId = vaultIdIn(new VaultFolder(root)) ?? before?.vault;
  return (vaultId === undefined ? undefined : fullRef(readMemory(context, vaultId)?.remotes[remote]?.home)) ?? defaultRef;
}

/** The settings of the vault in the work tree; in a partial clone, which has none, those of what was fetched and verified. */
function settingsOf(repository: GitRepository, root: string, tip: FetchedTip | undefined): Promise<SyncSettings> {
  const isFetched = tip?.isWhole && tip.lock !== undefined && tip.commit !== undefined && !existsSync(root);
  return readSyncSettings(isFetched ? CommitFiles.open(repository, tip.commit, root) : new VaultFolder(root));
}

function isKnown(context: Context, vaultId: string | undefined): boolean {
  return vaultId !== undefined && readMemory(context, vaultId) !== undefined;
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

/**
 * Reads tips, where a partial clone may lack what says who signed them: then that is fetched first.
 * @param isKnown whether this machine knows the vault: then older commits were looked at before
 */
async function completed(
  partial: PartialVault | undefined,
  before: FetchRecord | undefined,
  isKnown: boolean,
  read: () => (FetchedTip | undefined)[],
): Promise<(FetchedTip | undefined)[]> {
  const tips = read();
  if (!partial) return tips;
  const whole = new Set([before?.home, before?.upstream].flatMap((tip) => (tip?.isWhole ? [tip.commit] : [])));
  const commits = tips.flatMap((tip) => (tip?.commit === undefined || whole.has(tip.commit) ? [] : [tip.commit]));
  if (commits.length > 0) await fetchSignedFiles(partial, [...new Set(commits)], isKnown ? before?.home?.commit : undefined);
  const without = tips.flatMap((tip) => (tip?.commit === undefined || tip.lock !== undefined ? [] : [tip.commit]));
  if (isKnown && without.length > 0) await fetchLocksElsewhere(partial, [...new Set(without)]);
  return (commits.length > 0 ? read() : tips).map((tip) => tip && { ...tip, isWhole: whole.has(tip.commit) });
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
function isFatal(context: Context, root: string, keys: Keys | undefined, isCutShort: boolean): boolean {
  if (/^(?:1|true)$/i.test(context.env["AGENT_VAULT_REQUIRE_FRESH"] ?? "")) return true;
  return isCutShort && new TrustContext(context, root, keys).isStrict;
}

function sayAge(fetchedAt: number | undefined, now: number): string {
  if (fetchedAt === undefined) return "The vault's remote could not be asked, so this is the state that is here";
  const minutes = Math.max(1, Math.round((now - fetchedAt) / 60_000));
  return `The vault's remote could not be asked, so this is the state of ${formatDuration(minutes * 60_000)} ago`;
}
