import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock } from "../disk/write-lock.js";
import { VaultError, writeError } from "../errors.js";
import { withoutUnchanged, type FileChanges } from "../files/changes.js";
import { VaultState } from "../files/vault-state.js";
import { classify } from "../format/layout.js";
import { blobId, changesBetween, uncommittedFiles } from "../git/changes.js";
import { commitTree } from "../git/commit-tree.js";
import { changeFolder, journalFile } from "../git/git-folders.js";
import { updateIndex, waitForIndex } from "../git/index-update.js";
import { moveRef } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";
import { JournalFile, type Journal } from "./journal.js";
import { requireWholeVault } from "./preconditions.js";
import { requireWritableFolders, Staging } from "./staging.js";

/** What an operation wants to change. */
export interface Change<R> {
  /** The commit's subject. It holds names, and never a value. */
  readonly message: string;
  /** What the operation tells its caller, known before anything is encrypted. */
  readonly result: R;
  /** Works out the new files; not called in a dry run. What equals the present file is left out of the change. */
  files(): Promise<FileChanges>;
  /** Further commits on top, all or nothing with the first; asked for after `files`, where that changes anything. */
  more?(): readonly PlannedCommit[];
}

/** One commit of a change. */
export interface PlannedCommit {
  readonly message: string;
  readonly files: FileChanges;
}

/** Whether a transaction writes what it worked out; it does unless told otherwise. */
export interface TransactionOptions {
  /** Work everything out and change nothing. */
  readonly dryRun?: boolean;
}

/**
 * Changes a vault, all or nothing.
 *
 * The point of no return is one file, the journal, that names a commit which git already holds in full. Before it nothing that anyone
 * looks at has moved: new files lie in git's object store and in a folder of ours beside it. After it, whichever process comes next can
 * finish: move the branch, put the vault's files in place, and bring their entries of the index up to date. Neither the rest of the work
 * tree nor the rest of the index is ever written.
 *
 * The repository's own commit hooks do not run: they may rewrite files, and what was checked here must be what is committed.
 * @param root absolute path of the vault's folder
 * @param plan reads the state and works out the new files; it must not write anything in the vault
 * @throws VaultError `BUSY`, `REPOSITORY_BUSY`, `REPOSITORY_NOT_FOUND`, `CONFLICT`, `DAMAGED`, `GIT_FAILED`, `SIGNING_FAILED`, `UNWRITABLE`, `DISK_FULL`, and what `plan` throws
 */
export async function transact<R>(
  context: Context,
  root: string,
  plan: (state: VaultState) => Promise<Change<R>>,
  options: TransactionOptions = {},
): Promise<R> {
  const repository = await GitRepository.find(context, dirname(root));
  await requireWholeVault(repository, repository.pathOf(root));
  if (options.dryRun) return (await plan(new VaultState(root))).result;
  return withWriteLock(context, changeFolder(repository.gitDir), async () => {
    const transaction = new Transaction(context, repository, root);
    await transaction.finishEarlier();
    repository.requireNoOperation();
    const state = new VaultState(root);
    const change = await plan(state);
    const changed = withoutUnchanged(state, await change.files());
    if (changed.size > 0) await transaction.commit(state, [{ message: change.message, files: changed }, ...(change.more?.() ?? [])]);
    return change.result;
  });
}

/** Brings what a killed process left of a change to its end, unless the process that makes the change is still at it. */
export async function finishInterrupted(context: Context, root: string): Promise<void> {
  const repository = await GitRepository.find(context, dirname(root));
  if (!existsSync(journalFile(repository.gitDir))) return;
  const transaction = new Transaction(context, repository, root);
  try {
    await withWriteLock(context, changeFolder(repository.gitDir), () => transaction.finishEarlier(), 0);
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
}

type Files = ReadonlyMap<string, Uint8Array | null>;

class Transaction {
  readonly #context: Context;
  readonly #repository: GitRepository;
  readonly #journal: JournalFile;
  readonly #staging: Staging;
  /** The vault's folder relative to the work tree, with `/`. */
  readonly #folder: string;

  constructor(context: Context, repository: GitRepository, root: string) {
    this.#context = context;
    this.#repository = repository;
    this.#journal = new JournalFile(journalFile(repository.gitDir));
    this.#staging = new Staging(join(changeFolder(repository.gitDir), "staging"));
    this.#folder = repository.pathOf(root);
  }

  /** Commits the new files, and with them whatever else of the vault differs from the last commit. */
  async commit(state: VaultState, commits: readonly [PlannedCommit, ...PlannedCommit[]]): Promise<void> {
    const planned = new Map(commits.flatMap(({ files }) => [...files]));
    const journal = await this.#prepare(state, commits, planned);
    if (!journal) return this.#cleanUp();
    const { message } = commits[0];
    await this.#moveBranch(journal, message);
    await this.#install(journal, planned);
    await this.#retryCommit(journal, message);
  }

  /** Brings what a killed process left to its end. */
  async finishEarlier(): Promise<void> {
    const journal = this.#journal.read();
    if (journal) await this.#finish(journal);
    this.#cleanUp();
  }

  /** Does all up to the point of no return, and undoes it where it fails; `undefined` where the last commit holds all this already. */
  async #prepare(
    state: VaultState,
    [first, ...more]: readonly [PlannedCommit, ...PlannedCommit[]],
    planned: Files,
  ): Promise<Journal | undefined> {
    try {
      const [head, outside] = await Promise.all([this.#repository.head(), this.#outsideChanges(state)]);
      const files = new Map([...outside, ...first.files]);
      if (files.size === 0) return undefined;
      this.#stage(this.#folder, planned);
      let [commit] = await Promise.all([this.#makeCommit(head.commit, { ...first, files }), this.#staging.sync()]);
      if (commit === undefined) return undefined;
      for (const next of more) commit = (await this.#makeCommit(commit, next)) ?? commit;
      await waitForIndex(this.#repository);
      const journal: Journal = { vault: this.#folder, ref: head.ref, old: head.commit, new: commit };
      this.#journal.write(journal);
      return journal;
    } catch (error) {
      this.#cleanUp();
      throw error;
    }
  }

  /** Files of the vault that differ from the last commit, by their bytes in the work tree. Strays are nobody's business here. */
  async #outsideChanges(state: VaultState): Promise<FileChanges> {
    const changes: FileChanges = new Map();
    for (const { file, isConflicted } of await uncommittedFiles(this.#repository, this.#folder)) {
      if (classify(file).kind === "stray") continue;
      if (isConflicted) {
        throw new VaultError("CONFLICT", `${this.#folder}/${file} has an unresolved merge conflict.`, {
          remedy: "Resolve it and git add the file, then run the command again.",
        });
      }
      changes.set(file, state.read(file) ?? null);
    }
    return changes;
  }

  /** Writes the new files, and fails before the point of no return where one could not be put in place after it. */
  #stage(vault: string, files: Files): void {
    this.#staging.write(files);
    const folders = [...files.keys()].map((file) => dirname(join(this.#repository.workTree, vault, file)));
    // git's own folder takes the new index.
    requireWritableFolders([this.#repository.gitDir, ...folders]);
  }

  #makeCommit(parent: string | undefined, { message, files }: PlannedCommit): Promise<string | undefined> {
    return commitTree(this.#repository, { parent, message, folder: this.#folder, files }, (warning) => this.#context.warn(warning));
  }

  async #moveBranch(journal: Journal, message: string, resumed?: "resumed"): Promise<void> {
    const { ref, old, new: commit } = journal;
    try {
      await moveRef(this.#repository, { ref, from: old, to: commit, message });
    } catch (error) {
      const head = await this.#repository.head();
      if (head.ref === ref && head.commit === commit) return;
      // A git that a killed process has started for this very move may still run, so only a later attempt can tell.
      if (resumed && isBusy(error)) throw error;
      this.#cleanUp();
      if (head.ref === ref && head.commit === old) throw error;
      throw new VaultError("BUSY", "The branch moved while the vault was being changed.", {
        remedy: "Run the command again; nothing was changed.",
        cause: error,
      });
    }
  }

  /** What follows the point of no return, and can be done again. */
  async #install(journal: Journal, files: Files): Promise<void> {
    const { vault, old, new: commit } = journal;
    try {
      this.#staging.install(join(this.#repository.workTree, vault), files);
      await updateIndex(this.#repository, vault, await changesBetween(this.#repository, vault, old, commit));
    } catch (cause) {
      const known = writeError(cause, vault);
      const reason = known instanceof Error ? known.message : String(known);
      throw new VaultError(
        known instanceof VaultError ? known.code : "FAILED",
        `The change is committed, but the work tree could not be brought up to date: ${reason}`,
        { remedy: "Fix that problem; any agent-vault command in this repository then finishes the change.", cause },
      );
    }
    this.#cleanUp();
  }

  /**
   * A commit that the person makes after the branch has moved and before the index follows holds the index as it was, so it takes the
   * change back, and nobody meant that.
   */
  async #retryCommit(journal: Journal, message: string): Promise<void> {
    if ((await this.#repository.run(["rev-parse", "HEAD"])).trim() === journal.new) return;
    const { ref } = await this.#repository.head();
    if (ref !== journal.ref || this.#repository.unfinishedOperation() || !(await this.#isInHistory(journal))) return;
    const root = join(this.#repository.workTree, journal.vault);
    await new Transaction(this.#context, this.#repository, root).commit(new VaultState(root), [{ message, files: new Map() }]);
  }

  async #finish(journal: Journal): Promise<void> {
    const head = await this.#repository.head();
    const message = "agent-vault: finish an interrupted change";
    if (!(await this.#continuesBranch(journal))) throw this.#journal.damaged();
    if (head.ref === journal.ref && head.commit === journal.old) await this.#moveBranch(journal, message, "resumed");
    else if (head.commit !== journal.new && !(await this.#isInHistory(journal))) {
      this.#context.warn(`An interrupted change of ${journal.ref} was discarded, because HEAD has moved since. Run the command again.`);
      return;
    }
    const files = await this.#filesToInstall(journal);
    this.#stage(journal.vault, files);
    await this.#staging.sync();
    await this.#install(journal, files);
    await this.#retryCommit(journal, message);
    this.#context.warn("An interrupted change of this vault was finished.");
  }

  /** The files of an interrupted change, without those that the person has edited since. */
  async #filesToInstall({ vault, old, new: commit }: Journal): Promise<Files> {
    const present = new VaultState(join(this.#repository.workTree, vault));
    const changes = await changesBetween(this.#repository, vault, old, commit);
    const contents = await this.#repository.blobs(changes.flatMap(({ id }) => id ?? []));
    const files = new Map<string, Uint8Array | null>();
    for (const { file, oldId, id } of changes) {
      const bytes = id === undefined ? null : contents.shift()!;
      const presentId = blobId(this.#repository, present.read(file));
      if (presentId === oldId || presentId === id || presentId === undefined) files.set(file, bytes);
      else this.#context.warn(`${file} was edited after an interrupted change and was left as it is.`);
    }
    return files;
  }

  /** A change only ever adds to a branch: a journal that says otherwise was written by somebody else. */
  async #continuesBranch({ old, new: commit }: Journal): Promise<boolean> {
    return old === undefined || (await this.#repository.try(["merge-base", "--is-ancestor", old, commit])) !== undefined;
  }

  async #isInHistory(journal: Journal): Promise<boolean> {
    return (await this.#repository.try(["merge-base", "--is-ancestor", journal.new, "HEAD"])) !== undefined;
  }

  #cleanUp(): void {
    this.#journal.remove();
    this.#staging.remove();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof VaultError && error.code === "BUSY";
}
