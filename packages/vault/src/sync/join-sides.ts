import { VaultError } from "../errors.js";
import { isEdited } from "../git/changes.js";
import { NO_HOOKS } from "../git/environment.js";
import { isGitError } from "../git/errors.js";
import { branchName } from "../git/full-ref.js";
import { joinCommits } from "../git/join-commits.js";
import { andMore, plural } from "../text/counts.js";
import { readTrustedState, type CommittedState } from "../trust/newest-trusted-state.js";
import type { Sides, SyncedClone } from "./synced-clone.js";

/**
 * Takes over what the remote has: by a fast-forward where nothing was committed here, else joined with it. The vault comes whole from the
 * side that changed it, and what arrives is verified before the branch moves.
 * @param merged the vault's folder, where both sides changed it, and the message of the commit in which they come together
 * @returns what is checked out then
 * @throws VaultError `CONFLICT` where the code conflicts or files were edited and not committed; nothing was changed then
 */
export async function joinSides(
  clone: SyncedClone,
  { here, there, ahead, behind, ...fetched }: Sides,
  merged?: { readonly tree: string; readonly message: string },
): Promise<CommittedState> {
  const { context, repository, followed, root, trust } = clone;
  const tip = fetched.mended ?? fetched.tip;
  if (tip === undefined || (behind === 0 && !merged)) return here;
  await requireCommitted(clone);
  const fastForward = ["merge", "--ff-only", "--no-overwrite-ignore", "--quiet"];
  if (ahead === 0 && !merged) {
    const arriving = there?.trusted
      ? { commit: tip, signed: there.trusted, state: there.state }
      : await readTrustedState(trust, repository, tip);
    await moveTo(clone, tip, fastForward);
    return arriving;
  }
  // Two owners who merge the same states make the same one, and what is published is taken.
  const isTheirs = there?.trusted?.lineage.lists(here.signed.digest) === true || there?.trusted?.digest === here.signed.digest;
  const folder = repository.pathOf(root);
  const tree = merged?.tree ?? (await repository.run(["rev-parse", `${isTheirs ? tip : here.commit}:${folder}`])).trim();
  const style = await joinStyle(clone);
  const message = merged?.message ?? `Merge ${followed.upstream.name}`;
  const joined = await joinCommits(repository, here.commit, tip, {
    folder,
    tree,
    isMerged: merged !== undefined,
    style,
    message,
    warn: (warning) => context.warn(warning),
  });
  if ("conflicts" in joined) throw conflict(clone, joined.conflicts);
  const present = await readTrustedState(trust, repository, joined.commit);
  await moveTo(clone, joined.commit, style === "merge" ? fastForward : ["reset", "--keep", "--quiet"]);
  context.note?.(`Joined ${plural(ahead, "commit")} of yours with ${plural(behind, "commit")} from the remote.`);
  return present;
}

/** As the person has `git pull` do it. */
async function joinStyle({ repository }: SyncedClone): Promise<"merge" | "rebase"> {
  const branch = branchName((await repository.head()).ref);
  const own = await repository.try(["config", "--get", `branch.${branch}.rebase`]);
  const value = (own ?? (await repository.try(["config", "--get", "pull.rebase"])) ?? "false").trim();
  return /^(?:false|no|off|0)$/i.test(value) ? "merge" : "rebase";
}

/** @throws VaultError `CONFLICT` where the vault was edited and not committed */
async function requireCommitted({ repository, root, followed }: SyncedClone): Promise<void> {
  const folder = repository.pathOf(root);
  if (!(await isEdited(repository, folder))) return;
  throw new VaultError("CONFLICT", `The vault has uncommitted changes, so ${followed.name}'s were not taken over.`, {
    remedy: `See them with git status ${folder}. Sign them (agent-vault sign) or put them aside (git stash), then run the command again; nothing was changed.`,
  });
}

async function moveTo({ repository }: SyncedClone, commit: string, args: readonly string[]): Promise<void> {
  try {
    await repository.run([...NO_HOOKS, ...args, commit]);
  } catch (error) {
    if (!(error instanceof VaultError) || isGitError(error, "diskFull", "unwritable", "lockHeld")) throw error;
    throw new VaultError("CONFLICT", `Files that you have edited are in the way: ${error.message}`, {
      remedy: "Commit them or put them aside (git stash), then run the command again; nothing was changed.",
      cause: error,
    });
  }
}

function conflict({ followed }: SyncedClone, files: readonly string[]): VaultError {
  const upstream = followed.upstream.name;
  return new VaultError("CONFLICT", `Your code and ${upstream} changed the same lines, so nothing was joined: ${andMore(files, 5)}.`, {
    remedy: `Join them with git (git pull), resolve the files that it names, then run agent-vault sync again; nothing was changed.`,
  });
}
