import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { FileChanges } from "../files/changes.js";
import { changesBetween, isEdited } from "../git/changes.js";
import { writeCommit } from "../git/commit-tree.js";
import { readMergeMark, removeMergeMark } from "../git/merge-mark.js";
import { GitRepository } from "../git/repository.js";
import { makeStandIns } from "../git/stand-ins.js";
import type { KeyChoice } from "../keys/find-key.js";
import type { Keys } from "../keys/keys.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { onRecord, type Begin } from "../record/on-record.js";
import { andMore } from "../text/counts.js";
import { followedBy } from "../trust/followed.js";
import { readTrustedState, type CommittedState } from "../trust/newest-trusted-state.js";
import { rememberMade } from "../trust/remember.js";
import { TrustContext } from "../trust/trust-context.js";
import { findUnfinishedMerge, type UnfinishedMerge } from "../trust/unfinished-merge.js";
import { ownersKeys } from "./merge-owner.js";
import { decideMerge, signMerge, type MergeChoice, type MergePair } from "./merge-pair.js";
import { recoverVault } from "./recovery.js";
import { transact, type PlannedCommit } from "./transaction.js";

/**
 * Signs what git has joined in the commit that is checked out: the states that came together there, merged by what they mean, in one commit
 * on top. What git or anybody made of the files in between counts for nothing.
 * @param root the vault's folder
 * @returns whether there was something to finish
 * @throws VaultError `CONFLICT` where an owner has to decide, where the states are not all here, and where the vault was edited besides;
 *   `REPOSITORY_BUSY` before git has ended; as `decideMerge` and `transact`
 */
export async function finishMerge(context: Context, root: string, choice: MergeChoice, key?: KeyChoice): Promise<boolean> {
  const repository = await GitRepository.find(context, dirname(root));
  if (!choice.dryRun) await recoverVault(context, root);
  const trust = new TrustContext(context, root, findVaultKeys(context, root, key));
  const found = await findUnfinishedMerge(trust, repository);
  if (!found) {
    if (!repository.unfinishedOperation()) removeMergeMark(repository.gitDir);
    return false;
  }
  requireComplete(found);
  const isSigned = found.states.length + found.picks.length > 1;
  if (!isSigned && choice.dryRun) return false;
  const keys = isSigned ? await keysFor(trust, found, choice) : undefined;
  const folder = repository.pathOf(root);
  const work = (begin: Begin) =>
    transact(context, root, async () => {
      trust.history.forget();
      const unfinished = await findUnfinishedMerge(trust, repository);
      if (!unfinished) return { message: "", result: false, files: async () => new Map() };
      requireComplete(unfinished);
      await requireUnedited(repository, folder);
      const commits = await signUnfinished(trust, repository, unfinished, { keys, choice, begin });
      const [first, ...more] = await plannedCommits(repository, folder, unfinished.commit, commits);
      return { message: first!.message, result: true, files: async () => first!.files, more: () => more };
    });
  const isFinished = await onRecord(context, work);
  if (isFinished) rememberMade(trust, (await readTrustedState(trust, repository, await repository.commitAt("HEAD"))).signed);
  removeMergeMark(repository.gitDir);
  return isFinished;
}

/**
 * Signs what a host or a colleague has joined in a commit that was fetched, in git's objects: no branch has the result yet.
 * @returns a commit on top of it, or `undefined` where nothing came together in it
 * @throws VaultError as {@link finishMerge}
 */
export async function finishFetched(
  trust: TrustContext,
  repository: GitRepository,
  commit: string,
  choice: MergeChoice,
): Promise<string | undefined> {
  const unfinished = await findUnfinishedMerge(trust, repository, commit);
  if (!unfinished) return undefined;
  requireComplete(unfinished);
  const keys = await keysFor(trust, unfinished, choice);
  const joined = await onRecord(trust.context, (begin) => signUnfinished(trust, repository, unfinished, { keys, choice, begin }));
  let tip = unfinished.commit;
  for (const { commit: made, message } of joined) {
    const tree = (await repository.run(["rev-parse", `${made}^{tree}`])).trim();
    tip = await writeCommit(repository, { tree, parents: [tip], message: `${message}\n` }, (warning) => trust.context.warn(warning));
  }
  return tip;
}

function keysFor(trust: TrustContext, unfinished: UnfinishedMerge, choice: MergeChoice): Promise<Keys> {
  return ownersKeys(trust, unfinished.states, choice, () => unsignedMerge(unfinished));
}

function unsignedMerge({ commit, states }: UnfinishedMerge): VaultError {
  const owners = states[0].signed.lock.owners.map(({ name }) => name).join(", ");
  const numbers = states.map(({ signed }) => signed.lock.sequence).join(" and ");
  return new VaultError(
    "CONFLICT",
    `In commit ${commit.slice(0, 12)} git joined states ${numbers} of the vault, and no owner has signed the result.`,
    {
      remedy: `An owner (${owners}) signs it with agent-vault sync. Until then readers go on with a state from before. Nothing was changed.`,
    },
  );
}

interface Signing {
  /** Absent where nothing is to be signed. */
  readonly keys: Keys | undefined;
  readonly choice: MergeChoice;
  readonly begin: Begin;
}

/** What a commit on top of what git has joined is to hold. */
interface MadeCommit {
  /** A stand-in for it. */
  readonly commit: string;
  readonly message: string;
}

/** Joins the states one after the other, each time in git's objects. */
async function signUnfinished(
  trust: TrustContext,
  repository: GitRepository,
  unfinished: UnfinishedMerge,
  { keys, choice, begin }: Signing,
): Promise<readonly MadeCommit[]> {
  const pairs = await pairsOf(trust, repository, unfinished);
  let anchor: ReturnType<Begin> | undefined;
  const beginOnce: Begin = (actor, change) => (anchor ??= begin(actor, change));
  const folder = repository.pathOf(trust.root);
  const around = (await repository.run(["rev-parse", `${unfinished.commit}^{tree}`])).trim();
  const withVault = async (tree: string, message: string): Promise<MadeCommit> => {
    const [commit] = await makeStandIns(repository, folder, [{ parents: [], tree: around, inFolder: tree }]);
    return { commit: commit!, message };
  };
  let [here] = unfinished.states;
  if (pairs.length === 0) {
    const tree = (await repository.run(["rev-parse", `${here.commit}:${folder}`])).trim();
    return [await withVault(tree, `agent-vault: go on from state ${here.signed.lock.sequence}`)];
  }
  const made: MadeCommit[] = [];
  for (const pair of pairs) {
    const decided = await decideMerge({ ...pair, here }, keys!, choice);
    const { tree, message } = await signMerge(decided, `agent-vault: sign the merge with ${pair.branch}`, beginOnce);
    const next = await withVault(tree, message);
    made.push(next);
    here = await readTrustedState(trust, repository, next.commit);
  }
  return made;
}

/** What is to be joined with the first state, in order. */
async function pairsOf(
  trust: TrustContext,
  repository: GitRepository,
  { commit, lock, states, picks }: UnfinishedMerge,
): Promise<Omit<MergePair, "here">[]> {
  const base = { trust, repository, remote: followedBy(trust.context, trust.root)?.name };
  const [, ...more] = states;
  const branchOf = async (state: CommittedState) => (await branchAt(repository, state.commit)) ?? `commit ${state.commit.slice(0, 12)}`;
  // Which change of another branch is wanted, only the person knows who picked it: here, or where it has to be asked.
  const isOwn = readMergeMark(repository.gitDir)?.lock === lock && (await repository.commitAt("HEAD")) === commit;
  return Promise.all([
    ...more.map(async (there) => ({ ...base, there, branch: await branchOf(there) })),
    ...picks.map(async ({ to, from }) => ({ ...base, there: to, since: from, branch: await branchOf(to), mustBeSeen: !isOwn })),
  ]);
}

/** A branch that is at a commit, as a person says it. */
async function branchAt(repository: GitRepository, commit: string): Promise<string | undefined> {
  const names = await repository.run(["for-each-ref", "--points-at", commit, "--format=%(refname:short)", "refs/heads", "refs/remotes"]);
  return names.split("\n").find((name) => name !== "" && !name.endsWith("/HEAD"));
}

/** What each commit changes in the vault, as the transaction takes it. */
async function plannedCommits(
  repository: GitRepository,
  folder: string,
  from: string,
  commits: readonly MadeCommit[],
): Promise<PlannedCommit[]> {
  const planned: PlannedCommit[] = [];
  let before = from;
  for (const { commit, message } of commits) {
    const changes = await changesBetween(repository, folder, before, commit);
    const contents = await repository.blobs(changes.flatMap(({ id }) => id ?? []));
    const files: FileChanges = new Map();
    for (const { file, id } of changes) files.set(file, id === undefined ? null : contents.shift()!);
    planned.push({ message, files });
    before = commit;
  }
  return planned;
}

/** @throws VaultError `CONFLICT` where a state is not here, or was changed by hand besides */
function requireComplete({ commit, missing, edits }: UnfinishedMerge): void {
  const at = commit.slice(0, 12);
  if (missing.length > 0) {
    throw new VaultError(
      "CONFLICT",
      `In commit ${at} git joined states of the vault that this clone does not hold: ${andMore(missing, 3)}.`,
      {
        remedy:
          "Fetch the branch that they are on (git fetch --all, or from the clone in which it was rebased), then run agent-vault sync.",
      },
    );
  }
  if (edits.length > 0) {
    throw new VaultError(
      "CONFLICT",
      `Before commit ${at} the vault was changed without agent-vault: ${andMore(
        edits.map((edit) => edit.slice(0, 12)),
        3,
      )}.`,
      {
        remedy: `A merge is signed from what owners have signed, so this would be lost. See it with git show ${edits[0]!.slice(0, 12)}, take it back (git revert), run agent-vault sync, and make the change again.`,
      },
    );
  }
}

/** @throws VaultError `CONFLICT` where files of the vault were edited and not committed */
async function requireUnedited(repository: GitRepository, folder: string): Promise<void> {
  if (!(await isEdited(repository, folder))) return;
  throw new VaultError("CONFLICT", "The vault has changes that are not committed, on top of a merge that no owner has signed.", {
    remedy: `See them with git status ${folder}. Put them aside (git stash) or commit the merge first, then run agent-vault sync.`,
  });
}
