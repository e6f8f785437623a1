import { createHash } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import type { Context } from "../context.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { linkInVault } from "../files/vault-folder.js";
import { GitError } from "../git/errors.js";
import { GitRepository, type Head } from "../git/repository.js";
import { classify } from "../format/layout.js";
import { VaultState } from "../files/vault-state.js";
import { withWriteLock } from "../disk/write-lock.js";

/** Whole new files, by their path in the vault's folder; `null` removes one. */
export type FileChanges = Map<string, Uint8Array | null>;

/** What an operation wants to change. */
export interface Change<R> {
  /** The commit's subject. It holds names, and never a value. */
  readonly message: string;
  /** What the operation tells its caller, known before anything is encrypted. */
  readonly result: R;
  /** Works out the new files; not called in a dry run. What equals the present file is left out of the change. */
  files(): Promise<FileChanges>;
  /** Further commits on top, all or nothing with the first; asked for after `files`, where that changes anything. */
  more?(): readonly HookPoint[];
}

/** One commit of a change. */
export interface HookPoint {
  readonly message: string;
  readonly files: FileChanges;
}

export interface TransactionOptions {
  /** Work everything out and change nothing. */
  readonly dryRun?: boolean;
}

/**
 * Changes a vault, all or nothing.
 *
 * The point of no return is one file, the journal, that names a commit which git already holds in full. Before it nothing that anyone
 * looks at has moved: new files lie in git's object store and in a folder of ours beside it. After it, whoever comes next can finish:
 * move the branch, put the vault's files in place, and bring their entries of the index up to date. Neither the rest of the work tree
 * nor the rest of the index is ever written.
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
  const transaction = new Transaction(context, repository, root);
  await transaction.requireWholeVault();
  if (options.dryRun) return (await plan(new VaultState(root))).result;
  return withWriteLock(context, transaction.folder, async () => {
    await transaction.finishEarlier();
    requireNoGitOperation(repository);
    const state = new VaultState(root);
    const change = await plan(state);
    const changed = withoutUnchanged(state, await change.files());
    if (changed.size > 0) await transaction.commit(state, [{ message: change.message, files: changed }, ...(change.more?.() ?? [])]);
    return change.result;
  });
}

/** Leaves out what equals the present file. */
export function withoutUnchanged(state: VaultState, files: FileChanges): FileChanges {
  return new Map([...files].filter(([file, bytes]) => !sameBytes(bytes, state.read(file) ?? null)));
}

/** Does what {@link recoverVault} promises, once there is something to do. */
export async function finishInterrupted(context: Context, root: string): Promise<void> {
  const transaction = new Transaction(context, await GitRepository.find(context, dirname(root)), root);
  if (!existsSync(transaction.journal)) return;
  try {
    await withWriteLock(context, transaction.folder, () => transaction.finishEarlier(), 0);
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
}

/** Fails as a change of this vault would while the person is in the middle of a merge or the like. @throws VaultError `REPOSITORY_BUSY` */
export async function requireQuietRepository(context: Context, root: string): Promise<void> {
  requireNoGitOperation(await GitRepository.find(context, dirname(root)));
}

function requireNoGitOperation(repository: GitRepository): void {
  const operation = repository.unfinishedOperation();
  if (operation) {
    throw new VaultError("REPOSITORY_BUSY", `This repository is in the middle of a ${operation}.`, {
      remedy: `Finish it (git ${operation} --continue) or give it up (git ${operation} --abort), then run the command again.`,
    });
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof VaultError && error.code === "BUSY";
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);
}

/** The path of a vault's folder, relative to the work tree and inside it: one repository may hold several vaults. */
const VAULT_PATH = /^(?!.*(?:^|\/)\.{0,2}\/)(?:.+\/)?\.agent-vault$/s;
const BRANCH = /^(?:HEAD|refs\/heads\/(?!-|.*(?:\.\.|\/[./]))[^\0- ~^:?*[\\\x7f]+)$/;
const objectId = z.string().check(z.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/));
const journalSchema = z.object({
  vault: z.string().check(z.regex(VAULT_PATH)),
  ref: z.string().check(z.regex(BRANCH)),
  old: z.optional(objectId),
  new: objectId,
});
type Journal = z.infer<typeof journalSchema>;

/** The branch that git fast-import builds on, and that it is told to drop again before it would write it. */
const SCRATCH_REF = "refs/agent-vault/scratch";
/** Has git write to the disk itself what the journal relies on (git 2.36; older ones ignore it). */
const DURABLE = ["-c", "core.fsync=objects,derived-metadata,reference", "-c", "core.fsyncMethod=batch"];
/** The same for the index, which comes before the journal goes. */
const DURABLE_INDEX = ["-c", "core.fsync=index"];

/** Waiting for the disk with more files than this would take a good part of a change's time; git holds all of them durably by then. */
const MOST_SYNCED_FILES = 1000;

/** How long a change waits for git's index, in milliseconds. */
const INDEX_PATIENCE = 5000;

class Transaction {
  readonly folder: string;
  readonly journal: string;
  readonly #draft: string;
  readonly #staging: string;
  readonly #context: Context;
  readonly #repository: GitRepository;
  /** The vault's folder relative to the work tree, with `/`. */
  readonly #prefix: string;

  constructor(context: Context, repository: GitRepository, root: string) {
    this.#context = context;
    this.#repository = repository;
    this.folder = join(repository.gitDir, "agent-vault");
    this.journal = join(this.folder, "journal.json");
    this.#draft = `${this.journal}.new`;
    this.#staging = join(this.folder, "staging");
    this.#prefix = repository.pathOf(root);
  }

  /** @throws VaultError `CONFLICT` where git does not take all files of the vault for files of this work tree */
  async requireWholeVault(): Promise<void> {
    const entries = await this.#repository.run(["ls-files", "-z", "-t", "--stage", "--", `:(top,literal)${this.#prefix}`]);
    if (/(?:^|\0). 160000 /.test(entries) || existsSync(join(this.#repository.workTree, this.#prefix, ".git"))) {
      throw new VaultError("CONFLICT", `${this.#prefix} is or holds a git repository of its own, or a submodule.`, {
        remedy:
          "A vault belongs to the repository around it: git rm --cached the submodule, remove .git from that folder and commit its files.",
      });
    }
    if (/(?:^|\0)S /.test(entries)) {
      throw new VaultError("CONFLICT", `This work tree leaves out files of ${this.#prefix} (sparse checkout or skip-worktree).`, {
        remedy: `Bring them back first: git sparse-checkout add ${this.#prefix}, or git update-index --no-skip-worktree FILE.`,
      });
    }
  }

  /** Commits the new files, and with them whatever else of the vault differs from the last commit. */
  async commit(state: VaultState, steps: readonly [HookPoint, ...HookPoint[]]): Promise<void> {
    const planned = new Map(steps.flatMap(({ files }) => [...files]));
    const journal = await this.#prepare(state, steps, planned);
    if (!journal) return this.#cleanUp();
    const { message } = steps[0];
    await this.#moveBranch(journal, message);
    await this.#bringIntoPlace(journal, planned);
    await this.#commitAgain(journal, message);
  }

  /** Does all up to the point of no return, and undoes it where it fails; `undefined` where the last commit holds all this already. */
  async #prepare(
    state: VaultState,
    [first, ...more]: readonly [HookPoint, ...HookPoint[]],
    planned: ReadonlyMap<string, Uint8Array | null>,
  ): Promise<Journal | undefined> {
    try {
      const [head, outside] = await Promise.all([this.#repository.head(), this.#outsideChanges(state)]);
      const files = new Map([...outside, ...first.files]);
      if (files.size === 0) return undefined;
      const staged = this.#stage(planned);
      let [commit] = await Promise.all([this.#makeCommit(head, first.message, files), syncFiles(staged)]);
      if (commit === undefined) return undefined;
      for (const step of more) commit = (await this.#makeCommit({ ...head, commit }, step.message, step.files)) ?? commit;
      await this.#waitForIndex();
      const journal: Journal = { vault: this.#prefix, ref: head.ref, old: head.commit, new: commit };
      this.#writeJournal(journal);
      return journal;
    } catch (error) {
      this.#cleanUp();
      throw error;
    }
  }

  /** Brings what a killed process left to its end. */
  async finishEarlier(): Promise<void> {
    const journal = this.#readJournal();
    if (journal) await this.#finish(journal);
    this.#cleanUp();
  }

  async #finish(journal: Journal): Promise<void> {
    const repository = this.#repository;
    const head = await repository.head();
    const vault = new VaultState(join(repository.workTree, journal.vault));
    const message = "agent-vault: finish an interrupted change";
    const sameBranch = head.ref === journal.ref;
    if (sameBranch && head.commit === journal.old) await this.#moveBranch(journal, message, "resumed");
    else if (head.commit !== journal.new) {
      if (!(await this.#isInHistory(journal))) {
        this.#context.warn(`An interrupted change of ${journal.ref} was given up, since HEAD has gone elsewhere. Run the command again.`);
        return;
      }
    }
    const changes = await this.#changesBetween(journal);
    const contents = await repository.blobs(changes.flatMap(({ id }) => id ?? []));
    const files = new Map<string, Uint8Array | null>();
    for (const { file, old, id } of changes) {
      const bytes = id === undefined ? null : contents.shift()!;
      const present = this.#blobId(vault.read(file));
      if (present === old || present === id || present === undefined) files.set(file, bytes);
      else this.#context.warn(`${file} was edited after an interrupted change and was left as it is.`);
    }
    await syncFiles(this.#stage(files));
    await this.#bringIntoPlace(journal, files);
    await this.#commitAgain(journal, message);
    this.#context.warn("An interrupted change of this vault was finished.");
  }

  /** What follows the point of no return, and can be done again. */
  async #bringIntoPlace(journal: Journal, files: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    try {
      this.#place(join(this.#repository.workTree, journal.vault), files);
      await this.#updateIndex(journal);
    } catch (cause) {
      const known = writeError(cause, journal.vault);
      const reason = known instanceof Error ? known.message : String(known);
      throw new VaultError(
        known instanceof VaultError ? known.code : "FAILED",
        `The change is committed, but the work tree could not be brought up to date: ${reason}`,
        {
          remedy: "Put that right; any agent-vault command in this repository then finishes the change.",
          cause,
        },
      );
    }
    this.#cleanUp();
  }

  /**
   * A commit that the person makes after the branch has moved and before the index follows holds the index as it was, so it takes the
   * change back, and nobody meant that.
   */
  async #commitAgain(journal: Journal, message: string): Promise<void> {
    if ((await this.#repository.run(["rev-parse", "HEAD"])).trim() === journal.new) return;
    const { ref } = await this.#repository.head();
    if (ref !== journal.ref || this.#repository.unfinishedOperation() || !(await this.#isInHistory(journal))) return;
    const root = join(this.#repository.workTree, journal.vault);
    await new Transaction(this.#context, this.#repository, root).commit(new VaultState(root), [{ message, files: new Map() }]);
  }

  async #isInHistory(journal: Journal): Promise<boolean> {
    return (await this.#repository.try(["merge-base", "--is-ancestor", journal.new, "HEAD"])) !== undefined;
  }

  /** Files of the vault that differ from the last commit, by their bytes in the work tree. Strays are nobody's business here. */
  async #outsideChanges(state: VaultState): Promise<Map<string, Uint8Array | null>> {
    const status = await this.#repository.run([
      "status",
      "--porcelain=v1",
      "-z",
      "--no-renames",
      "--untracked-files=all",
      "--ignored=traditional",
      "--",
      `:(top,literal)${this.#prefix}`,
    ]);
    const changes = new Map<string, Uint8Array | null>();
    for (const entry of status.split("\0")) {
      const path = entry.slice(3);
      const file = path.slice(this.#prefix.length + 1);
      if (!path.startsWith(`${this.#prefix}/`) || classify(file).kind === "stray") continue;
      if (/^(?:U.|.U|AA|DD)$/.test(entry.slice(0, 2))) {
        throw new VaultError("CONFLICT", `${path} has an unresolved merge conflict.`, {
          remedy: "Resolve it and git add the file, then run the command again.",
        });
      }
      changes.set(file, state.read(file) ?? null);
    }
    return changes;
  }

  /** Writes the new files beside the repository, where a full disk hurts nobody. @returns their paths */
  #stage(files: ReadonlyMap<string, Uint8Array | null>): string[] {
    rmSync(this.#staging, { recursive: true, force: true });
    const folders = new Set<string>();
    const staged: string[] = [];
    try {
      for (const [file, bytes] of files) {
        if (!bytes) continue;
        const path = join(this.#staging, file);
        staged.push(path);
        const folder = dirname(path);
        if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
        folders.add(folder);
        writeFileSync(path, bytes, { flag: "wx" });
      }
    } catch (error) {
      rmSync(this.#staging, { recursive: true, force: true });
      throw writeError(error, this.folder);
    }
    this.#requireWritableFolders(files.keys());
    return staged;
  }

  /** Fails before the point of no return where a file could not be put in place after it. */
  #requireWritableFolders(files: Iterable<string>): void {
    const vaultFolders = [...files].map((file) => dirname(join(this.#repository.workTree, this.#prefix, file)));
    // Git's own folder takes the new index.
    const folders = new Set([this.#repository.gitDir, ...vaultFolders]);
    for (const folder of folders) {
      let existing = folder;
      while (!lstatSync(existing, { throwIfNoEntry: false })) existing = dirname(existing);
      try {
        accessSync(existing, constants.W_OK | constants.X_OK);
      } catch (error) {
        throw writeError(error, existing);
      }
    }
  }

  /** Makes the commit without touching any branch, index or file; `undefined` where the last commit holds all this already. */
  async #makeCommit(head: Head, message: string, files: ReadonlyMap<string, Uint8Array | null>): Promise<string | undefined> {
    const tree = await this.#makeTree(head, files);
    if (head.commit && tree === (await this.#repository.run(["rev-parse", `${head.commit}^{tree}`])).trim()) return undefined;
    const sign = (await this.#repository.try(["config", "--type=bool", "--get", "commit.gpgSign"]))?.trim() === "true";
    const args = [...DURABLE, "commit-tree", ...(sign ? ["-S"] : []), ...(head.commit ? ["-p", head.commit] : []), "-m", message, tree];
    try {
      return (await this.#repository.run(args, { env: await this.#committer() })).trim();
    } catch (error) {
      if (!sign || !(error instanceof VaultError)) throw error;
      throw new VaultError("SIGNING_FAILED", `git could not sign the commit: ${error.message}`, {
        remedy: "Unlock the signing key, or switch commit.gpgSign off for this repository; nothing was changed.",
        cause: error,
      });
    }
  }

  /** Puts all new objects into git's store, as one pack, and gives the tree that the commit will have. */
  async #makeTree(head: Head, files: ReadonlyMap<string, Uint8Array | null>): Promise<string> {
    const parts: Uint8Array[] = [];
    const say = (line: string) => parts.push(Buffer.from(`${line}\n`));
    say("feature done");
    say(`reset ${SCRATCH_REF}`);
    if (head.commit) say(`from ${head.commit}`);
    say(`\ncommit ${SCRATCH_REF}\nmark :1\ncommitter agent-vault <agent-vault> 0 +0000\ndata 0`);
    for (const [file, bytes] of files) {
      const path = `${this.#prefix}/${file}`;
      if (bytes) {
        say(`M 100644 inline ${quote(path)}\ndata ${bytes.length}`);
        parts.push(bytes);
        say("");
      } else say(`D ${quote(path)}`);
    }
    const none = "0".repeat(this.#repository.objectFormat === "sha256" ? 64 : 40);
    say(`\nls :1 ""\nreset ${SCRATCH_REF}\nfrom ${none}\n\ndone`);
    // Ciphertexts have no likeness that a search for deltas (--depth) could find.
    const args = [...DURABLE, "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", "--depth=0"];
    const input = Buffer.concat(parts);
    const output = await this.#repository.run([...args, "--date-format=raw", "--cat-blob-fd=1"], { input }).catch((error: unknown) => {
      this.#removeCrashReport(error);
      throw error;
    });
    const tree = /^040000 tree ([0-9a-f]+)\t/.exec(output)?.[1];
    if (tree) return tree;
    throw new VaultError("GIT_FAILED", "git fast-import did not name the tree that it made.", {
      remedy: "Run git fsck; nothing was changed.",
    });
  }

  /** What git fast-import leaves of a failure, such as a full disk; its error has been told. */
  #removeCrashReport(error: unknown): void {
    const report = error instanceof GitError && /dumping crash report to (.+)$/m.exec(error.stderr)?.[1];
    if (report) rmSync(resolve(this.#repository.workTree, report), { force: true });
  }

  /** Variables that name an author where the person's git has none. */
  async #committer(): Promise<Record<string, string>> {
    if ((await this.#repository.try(["var", "GIT_COMMITTER_IDENT"])) && (await this.#repository.try(["var", "GIT_AUTHOR_IDENT"])))
      return {};
    const last = await this.#repository.try(["log", "-1", "--format=%ce", "HEAD"]);
    if (last?.trim() !== "agent-vault@localhost")
      this.#context.warn("git knows no user.name and user.email here, so commits are made as agent-vault.");
    return {
      GIT_AUTHOR_NAME: "agent-vault",
      GIT_AUTHOR_EMAIL: "agent-vault@localhost",
      GIT_COMMITTER_NAME: "agent-vault",
      GIT_COMMITTER_EMAIL: "agent-vault@localhost",
    };
  }

  #writeJournal(journal: Journal): void {
    const draft = this.#draft;
    try {
      const descriptor = openSync(draft, "w");
      writeSync(descriptor, `${JSON.stringify(journal)}\n`);
      fsyncSync(descriptor);
      closeSync(descriptor);
      renameSync(draft, this.journal);
      syncFolder(this.folder);
    } catch (error) {
      throw writeError(error, this.journal);
    }
  }

  #readJournal(): Journal | undefined {
    let text: string;
    try {
      text = readFileSync(this.journal, "utf8");
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return undefined;
      throw error;
    }
    const parsed = journalSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new VaultError("DAMAGED", `${this.journal} is not a journal of agent-vault.`, {
      remedy: "Move it away, then run git status and agent-vault check.",
    });
  }

  async #moveBranch(journal: Journal, message: string, resumed?: "resumed"): Promise<void> {
    const { ref, old, new: commit } = journal;
    const update = `${ref === "HEAD" ? "option no-deref\n" : ""}update ${ref} ${commit} ${old ?? "0".repeat(commit.length)}\n`;
    try {
      await this.#repository.run([...DURABLE, "update-ref", "-m", message, "--stdin"], { input: Buffer.from(`start\n${update}commit\n`) });
    } catch (error) {
      const head = await this.#repository.head();
      if (head.ref === ref && head.commit === commit) return;
      // The git that a killed process has started for this very move may still be at it, so only who comes later can tell.
      if (resumed && isBusy(error)) throw error;
      this.#cleanUp();
      if (head.ref === ref && head.commit === old) throw error;
      throw new VaultError("BUSY", "The branch moved while the vault was being changed.", {
        remedy: "Run the command again; nothing was changed.",
        cause: error,
      });
    }
  }

  /** Moves staged files over the old ones, one atomic rename each, and removes what is to go. */
  #place(root: string, files: ReadonlyMap<string, Uint8Array | null>): void {
    const folders = new Set<string>();
    const changed = new Set<string>();
    for (const [file, bytes] of files) {
      const target = join(root, file);
      const folder = dirname(target);
      if (bytes === null) {
        rmSync(target, { force: true });
        changed.add(removeEmptyFolders(folder, root));
        continue;
      }
      if (!folders.has(folder)) makeFolder(folder, root);
      folders.add(folder);
      try {
        renameSync(join(this.#staging, file), target);
      } catch (error) {
        if (!isSystemError(error, "EXDEV")) throw error;
        writeFileSync(target, bytes, { flush: true });
      }
    }
    // What was left of a folder may have become empty with a later file.
    for (const folder of new Set([...folders, ...changed])) if (existsSync(folder)) syncFolder(folder);
  }

  async #updateIndex(journal: Journal): Promise<void> {
    const changes = await this.#changesBetween(journal);
    const none = "0".repeat(journal.new.length);
    const lines = changes.map(({ file, id }) => `${id ? "100644" : "0"} ${id ?? none}\t${journal.vault}/${file}\0`);
    const input = Buffer.from(lines.join(""));
    const deadline = performance.now() + INDEX_PATIENCE;
    for (;;) {
      await this.#waitForIndex();
      try {
        await this.#repository.run([...DURABLE_INDEX, "update-index", "-z", "--index-info"], { input });
        break;
      } catch (error) {
        // Somebody was faster once more.
        if (!isBusy(error) || performance.now() > deadline) throw error;
      }
    }
    await this.#repository.try([...DURABLE_INDEX, "update-index", "-q", "--refresh"]).catch((error: unknown) => {
      if (!isBusy(error)) throw error;
    });
  }

  /** An editor or a prompt may hold git's index for a moment. @throws VaultError `BUSY` when the wait was in vain */
  async #waitForIndex(): Promise<void> {
    const lock = join(this.#repository.gitDir, "index.lock");
    const deadline = performance.now() + INDEX_PATIENCE;
    while (existsSync(lock)) {
      if (performance.now() > deadline) {
        throw new VaultError("BUSY", "Another git process holds this repository's index.", {
          remedy: `Wait for it to end; if none runs, remove ${lock}. Then run the command again.`,
        });
      }
      await sleep(20);
    }
  }

  /** What a commit changes in the vault. */
  async #changesBetween({
    vault,
    old,
    new: commit,
  }: Journal): Promise<{ file: string; old: string | undefined; id: string | undefined }[]> {
    const base = old ?? (await this.#repository.run(["hash-object", "-t", "tree", "--stdin"], { input: new Uint8Array() })).trim();
    const output = await this.#repository.run([
      "diff-tree",
      "-r",
      "-z",
      "--no-renames",
      "--full-index",
      base,
      commit,
      "--",
      `:(top,literal)${vault}`,
    ]);
    const fields = output.split("\0");
    const id = (text: string) => (/^0+$/.test(text) ? undefined : text);
    return Array.from({ length: Math.floor(fields.length / 2) }, (_, index) => {
      const [, , oldId, newId] = fields[2 * index]!.split(" ");
      return { file: fields[2 * index + 1]!.slice(vault.length + 1), old: id(oldId!), id: id(newId!) };
    });
  }

  /** The id under which git would store these bytes. */
  #blobId(bytes: Uint8Array | undefined): string | undefined {
    return bytes && createHash(this.#repository.objectFormat).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  }

  #cleanUp(): void {
    for (const file of [this.journal, this.#draft]) rmSync(file, { force: true });
    rmSync(this.#staging, { recursive: true, force: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes new files outlast a loss of power: many at once, since each waits for the disk. */
async function syncFiles(files: readonly string[]): Promise<void> {
  if (files.length > MOST_SYNCED_FILES) return;
  const left = files.values();
  async function syncOneByOne(): Promise<void> {
    for (const file of left) {
      const handle = await open(file, "r");
      try {
        await handle.sync();
      } catch (error) {
        if (!isSystemError(error, "EPERM", "EINVAL", "ENOTSUP")) throw writeError(error, file);
      } finally {
        await handle.close();
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, syncOneByOne));
}

/** Makes a rename in a folder outlast a loss of power, where the system lets a folder be synced. */
function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, "r");
    fsyncSync(descriptor);
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EISDIR", "EINVAL", "ENOTSUP")) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A path as fast-import wants it: git's C-style quotes. */
function quote(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

function makeFolder(folder: string, root: string): void {
  for (let part = folder; part.length >= root.length; part = dirname(part)) {
    if (lstatSync(part, { throwIfNoEntry: false })?.isSymbolicLink()) throw linkInVault(relative(root, part) || ".");
  }
  mkdirSync(folder, { recursive: true });
}

/** @returns the folder that is left and holds one entry less */
function removeEmptyFolders(folder: string, root: string): string {
  for (let empty = folder; empty.length > root.length; empty = dirname(empty)) {
    try {
      rmdirSync(empty);
    } catch {
      return empty;
    }
  }
  return root;
}
