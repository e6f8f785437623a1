import { VaultError } from "../errors.js";
import { writeCommit, type Author } from "./commit-tree.js";
import { withMerge, type MergeTrees } from "./merge-trees.js";
import { makeStandIns } from "./stand-ins.js";
import type { GitRepository } from "./repository.js";

/** How two commits are joined. */
export interface Join {
  /** The vault's folder, relative to the work tree, with `/`. */
  readonly folder: string;
  /** The id of the tree that the vault's folder is to be. */
  readonly tree: string;
  /** Whether that tree was made of both sides': then our commits keep their own in a rebase, so that none of their values is lost. */
  readonly isMerged?: boolean;
  /** One commit with both as its parents, or our commits made again on top of theirs. */
  readonly style: "merge" | "rebase";
  /** Of the merge; in a rebase of a commit that brings the vault's tree, where none of ours can. */
  readonly message: string;
  /** Takes a sentence for the person. */
  readonly warn: (message: string) => void;
}

/** The commit in which both are, or the files of the code that both changed in ways that do not fit. */
export type Joined = { readonly commit: string } | { readonly conflicts: readonly string[] };

/** A commit by what the join has to know of it. */
interface Side {
  readonly commit: string;
  readonly tree: string;
  /** The id of the vault's tree, `undefined` where it has none. */
  readonly vault: string | undefined;
}

/** Both sides and what they go back to. */
interface Sides {
  readonly ours: Side;
  readonly theirs: Side;
  readonly bases: readonly Side[];
}

/**
 * Joins the code of two commits by git's own rules, and takes the vault's folder whole as it was given. All of it happens in git's
 * objects: no ref moves, the work tree, the index and the stash stay as they are, and no hook, filter or merge driver runs.
 * @throws VaultError `CONFLICT` where the two share no commit, `SIGNING_FAILED`, `GIT_FAILED`, `DISK_FULL`, `UNWRITABLE`
 */
export async function joinCommits(repository: GitRepository, ours: string, theirs: string, join: Join): Promise<Joined> {
  const bases = ((await repository.try(["merge-base", "--all", ours, theirs])) ?? "").split("\n").filter(Boolean);
  if (bases.length === 0) throw unrelated();
  const [our, their, ...shared] = await readSides(repository, join.folder, [ours, theirs, ...bases]);
  const sides: Sides = { ours: our!, theirs: their!, bases: shared };
  if (bases.includes(theirs) && sides.ours.vault === join.tree) return { commit: ours };
  if (bases.includes(ours) && sides.theirs.vault === join.tree) return { commit: theirs };
  const paths = await changedPaths(repository, bases[0]!, ours, theirs);
  const work = join.style === "merge" ? mergeBoth : replayOurs;
  return withMerge(repository, paths, (merge) => work(repository, sides, { ...join, warn: onlyOnce(join.warn) }, merge));
}

/** Of many commits one warning is enough. */
function onlyOnce(warn: Join["warn"]): Join["warn"] {
  const said = new Set<string>();
  return (message) => {
    if (!said.has(message)) warn(message);
    said.add(message);
  };
}

async function mergeBoth(repository: GitRepository, { ours, theirs, bases }: Sides, join: Join, merge: MergeTrees): Promise<Joined> {
  const merged = await mergeWith(repository, join.folder, join.tree, { ours, theirs, bases }, merge);
  if ("conflicts" in merged) return merged;
  const parents = [ours.commit, theirs.commit];
  return { commit: await writeCommit(repository, { tree: merged.tree, parents, message: `${join.message}\n` }, join.warn) };
}

/** Makes our commits again, one by one, as a rebase does: merges are left out, and what theirs has already. */
async function replayOurs(repository: GitRepository, sides: Sides, join: Join, merge: MergeTrees): Promise<Joined> {
  const { ours, theirs, bases } = sides;
  const range = `${theirs.commit}...${ours.commit}`;
  const list = ["rev-list", "--reverse", "--topo-order", "--parents", "--right-only", range];
  const all = (await repository.run(list)).split("\n").filter(Boolean);
  const wanted = new Set(
    (await repository.run([...list.filter((word) => word !== "--parents"), "--no-merges", "--cherry-pick"])).split("\n"),
  );
  const lines = all.map((line) => line.split(" ")).filter(([commit]) => wanted.has(commit!));
  // Only in one line of commits that alone changed the vault is its state between them one that was meant to follow theirs.
  const keepsStates = all.length === lines.length && bases.length === 1 && bases[0]!.vault === theirs.vault;
  let tip = theirs;
  for (const [index, [commit, parent]] of lines.entries()) {
    const [original, before] = await readSides(repository, join.folder, [commit!, parent!]);
    const isLast = index === lines.length - 1 && !join.isMerged;
    const hasOwn = join.isMerged === true && !bases.some((base) => base.vault === original!.vault);
    const vault = isLast ? join.tree : keepsStates || hasOwn ? original!.vault : tip.vault;
    const merged = await mergeWith(repository, join.folder, vault, { ours: tip, theirs: original!, bases: [before!] }, merge);
    if ("conflicts" in merged) return merged;
    const wasEmpty = original!.tree === before!.tree;
    if (merged.tree === tip.tree && !wasEmpty) continue;
    const { author, message } = await readCommit(repository, commit!);
    const made = await writeCommit(repository, { tree: merged.tree, parents: [tip.commit], message, author }, join.warn);
    tip = { commit: made, tree: merged.tree, vault };
  }
  if (tip.vault === join.tree) return { commit: tip.commit };
  const { tree } = await withVault(repository, join.folder, tip, join.tree);
  return { commit: await writeCommit(repository, { tree, parents: [tip.commit], message: `${join.message}\n` }, join.warn) };
}

/** Joins two commits as if the vault were the same in both and in what they go back to, so that it is no part of the question. */
async function mergeWith(
  repository: GitRepository,
  folder: string,
  vault: string | undefined,
  { ours, theirs, bases }: Sides,
  merge: MergeTrees,
): ReturnType<MergeTrees> {
  // With several bases git has to make one of them, and finds them by the real commits.
  const [base] = bases.length === 1 ? bases : [];
  const parentsOf = ({ commit }: Side) => (base ? [1] : [commit]);
  const made = await makeStandIns(repository, folder, [
    ...(base ? [{ parents: [], tree: base.tree, inFolder: vault }] : []),
    { parents: parentsOf(ours), tree: ours.tree, inFolder: vault },
    { parents: parentsOf(theirs), tree: theirs.tree, inFolder: vault },
  ]);
  const [ourCommit, theirCommit] = made.slice(-2);
  const merged = await merge(ourCommit!, theirCommit!, base ? [made[0]!] : bases.map(({ commit }) => commit));
  if ("conflicts" in merged || (await treeAt(repository, merged.tree, folder)) === vault) return merged;
  throw new VaultError("GIT_FAILED", `git moved files into or out of ${folder} when it joined the two sides, so nothing was joined.`, {
    remedy: "Join them by hand with git merge, then run the command again.",
  });
}

async function withVault(repository: GitRepository, folder: string, { tree }: Side, vault: string): Promise<Side> {
  const [commit] = await makeStandIns(repository, folder, [{ parents: [], tree, inFolder: vault }]);
  return (await readSides(repository, folder, [commit!]))[0]!;
}

async function readSides(repository: GitRepository, folder: string, commits: readonly string[]): Promise<Side[]> {
  const trees = (await repository.run(["rev-parse", ...commits.map((commit) => `${commit}^{tree}`)])).split("\n");
  return Promise.all(
    commits.map(async (commit, index) => ({ commit, tree: trees[index]!, vault: await treeAt(repository, trees[index]!, folder) })),
  );
}

/** The id of the tree that a folder is; `undefined` where there is none. */
async function treeAt(repository: GitRepository, tree: string, folder: string): Promise<string | undefined> {
  const listing = await repository.run(["ls-tree", "-z", "--full-tree", tree, "--", folder]);
  return /^040000 tree ([0-9a-f]+)\t/.exec(listing)?.[1];
}

/** All files that one of two commits changed since a third one. */
async function changedPaths(repository: GitRepository, base: string, ...commits: readonly string[]): Promise<string[]> {
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", base];
  const lists = await Promise.all(commits.map((commit) => repository.run([...args, commit])));
  return [...new Set(lists.flatMap((list) => list.split("\0")))].filter(Boolean);
}

async function readCommit(repository: GitRepository, commit: string): Promise<{ author: Author; message: string }> {
  const format = "--format=%an%x00%ae%x00%ad%x00%B";
  const options = ["-1", "--no-show-signature", "--no-notes", "--encoding=UTF-8", "--date=raw", format];
  const [name = "", email = "", date = "", ...message] = (await repository.run(["log", ...options, commit])).split("\0");
  return { author: { name, email, date: `@${date}` }, message: `${message.join("\0").trimEnd()}\n` };
}

function unrelated(): VaultError {
  return new VaultError("CONFLICT", "The two sides share no commit, so nothing says what each of them changed.", {
    remedy:
      "In a shallow clone fetch the history first (git fetch --unshallow); else join them by hand, with git merge --allow-unrelated-histories.",
  });
}
