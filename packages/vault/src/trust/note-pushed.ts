import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { LOCK_FILE } from "../format/layout.js";
import { isAncestorSync } from "../git/ancestor-sync.js";
import { readContentsSync } from "../git/contents-sync.js";
import { branchName, isFullRef, type FullRef } from "../git/full-ref.js";
import { findGitFolders } from "../git/git-folders.js";
import { readMergeMark } from "../git/merge-mark.js";
import { parseJoinedStates } from "../lock/joined-lock.js";
import { MAX_LOCK_BYTES } from "../lock/lock.js";
import { spelledRemote, trackingRef } from "./followed.js";
import type { MadeState } from "./memory.js";
import { readMemory, rememberedVaults, updateMemory } from "./memory-store.js";

/** What git is about to push: a commit, and the remote's ref that it goes to. */
interface PushedRef {
  readonly commit: string;
  readonly ref: FullRef;
}

/**
 * Notes in memory which of the states that were made in this clone are about to go to a remote, so that a plain `git push` is known as ours is.
 * That the remote took them is seen from the clone's own log of it later, so a push that fails does no harm.
 * @param folder in the work tree
 * @param remote the remote's name; one that is pushed to by its URL has no log, and nothing is noted
 * @param lines what git's hook pre-push gets on standard input (githooks)
 * @throws VaultError, GitError
 */
export function notePushed(context: Context, folder: string, remote: string, lines: string): void {
  const folders = findGitFolders(folder);
  const refs = pushedRefs(lines);
  if (!folders || refs.length === 0) return;
  const clone = realpathSync(folders.commonDir);
  const isOpen = (made: MadeState) => made.clone === clone && made.isPushed !== true;
  for (const vaultId of rememberedVaults(context)) {
    if (!readMemory(context, vaultId)?.made.some(isOpen)) continue;
    const spelled = spelledRemote(context, folders.workTree, remote);
    if (spelled === undefined) return;
    const noted = (made: MadeState) => {
      const follows = isOpen(made) ? followedByPush(context, made, { workTree: folders.workTree, name: remote, spelled, refs }) : undefined;
      return follows ? { ...made, follows, isPushed: true } : made;
    };
    updateMemory(context, vaultId, (memory) => ({ ...memory, made: memory.made.map(noted) }));
  }
}

/**
 * The branches that are about to be pushed with a merge of the vault that git has made in this work tree and no owner has signed.
 * @param lines as of {@link notePushed}
 * @returns their names, and the vault's folder; `undefined` where there are none
 * @throws GitError
 */
export function unsignedMergesPushed(
  context: Context,
  folder: string,
  lines: string,
): { branches: readonly string[]; root: string } | undefined {
  const folders = findGitFolders(folder);
  const mark = folders && readMergeMark(folders.gitDir);
  if (!mark) return undefined;
  const refs = pushedRefs(lines);
  const locks = readContentsSync(
    context,
    folders.workTree,
    refs.map(({ commit }) => `${commit}:${mark.folder}/${LOCK_FILE}`),
    MAX_LOCK_BYTES,
  );
  const branches = refs.filter((_, index) => parseJoinedStates(locks[index]) !== undefined).map(({ ref }) => branchName(ref));
  return branches.length === 0 ? undefined : { branches, root: join(folders.workTree, mark.folder) };
}

/** A line is `LOCAL-REF COMMIT REMOTE-REF COMMIT`; a ref that is deleted has zeros for its commit. */
function pushedRefs(lines: string): PushedRef[] {
  return lines.split("\n").flatMap((line) => {
    const [, commit = "", ref = ""] = line.split(" ");
    return /^(?!0+$)[0-9a-f]{40,64}$/.test(commit) && isFullRef(ref) && ref.startsWith("refs/heads/") ? [{ commit, ref }] : [];
  });
}

/** What a state's branch follows, where it is among what is pushed there. A branch that follows nothing yet will follow what it is pushed to. */
function followedByPush(
  context: Context,
  { commit, follows }: MadeState,
  {
    workTree,
    name,
    spelled,
    refs,
  }: { readonly workTree: string; readonly name: string; readonly spelled: string; readonly refs: readonly PushedRef[] },
): MadeState["follows"] {
  const isThere = ({ ref }: PushedRef) => follows === undefined || (follows.remote === spelled && follows.ref === ref);
  const pushed = refs.find((entry) => isThere(entry) && isAncestorSync(context, workTree, commit, entry.commit));
  return pushed && (follows ?? { remote: spelled, ref: pushed.ref, tracking: trackingRef(name, pushed.ref) });
}
