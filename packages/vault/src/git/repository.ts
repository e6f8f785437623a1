import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Context } from "../context.js";
import { isSystemError, VaultError } from "../errors.js";
import { gitFailed, noWorkTree } from "./errors.js";
import { findGitFolders, readText, symbolicHead, usesSha256 } from "./git-folders.js";
import type { EnvironmentOptions } from "./environment.js";
import { readBlobs, readContents } from "./objects.js";
import { askRemote, cloneRepository, talkToRemote, type CloneOptions } from "./remote.js";
import type { RemoteLimits, RemoteRun } from "./remote-process.js";
import { runGit, runGitForOutput, type GitOptions, type GitOutput } from "./run-git.js";
import { runGitSync, type SyncOptions } from "./run-git-sync.js";

/** Where HEAD points. `ref` is `HEAD` itself when it is detached; `commit` is absent before the first commit. */
export interface Head {
  readonly ref: string;
  readonly commit: string | undefined;
}

/** One git repository with a work tree. */
export class GitRepository {
  readonly workTree: string;
  /** The folder of this work tree's own state: index, HEAD. */
  readonly gitDir: string;
  readonly objectFormat: "sha1" | "sha256";
  readonly #context: Context;

  private constructor(context: Context, workTree: string, gitDir: string, objectFormat: "sha1" | "sha256") {
    this.#context = context;
    this.workTree = workTree;
    this.gitDir = gitDir;
    this.objectFormat = objectFormat;
  }

  /**
   * The repository that holds a folder.
   * @throws VaultError `REPOSITORY_NOT_FOUND`, `INVALID_VALUE` (a bare one), `GIT_MISSING`, `GIT_FAILED`
   */
  static async find(context: Context, folder: string): Promise<GitRepository> {
    const args = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-object-format"];
    const output = await runGit(context, folder, args).catch((error: unknown) => {
      throw noWorkTree(error, folder);
    });
    const [workTree, gitDir, objectFormat] = output.trimEnd().split("\n");
    return new GitRepository(context, resolve(workTree!), resolve(gitDir!), objectFormat === "sha256" ? "sha256" : "sha1");
  }

  /** As `find`, for a caller that cannot wait: git is not asked. @throws VaultError `REPOSITORY_NOT_FOUND` */
  static locate(context: Context, folder: string): GitRepository {
    const folders = findGitFolders(folder);
    if (!folders) throw noWorkTree(gitFailed({ args: [], exit: 128, stderr: "fatal: not a git repository" }), folder);
    const { workTree, gitDir } = folders;
    return new GitRepository(context, workTree, gitDir, usesSha256(folders) ? "sha256" : "sha1");
  }

  /** As `find`, but `undefined` where there is no repository, or no git to read it with. */
  static async findIfAny(context: Context, folder: string): Promise<GitRepository | undefined> {
    try {
      return await GitRepository.find(context, folder);
    } catch (error) {
      if (error instanceof VaultError && (error.code === "REPOSITORY_NOT_FOUND" || error.code === "GIT_MISSING")) return undefined;
      throw error;
    }
  }

  /** Makes a repository in a folder. */
  static async create(context: Context, folder: string): Promise<GitRepository> {
    await runGit(context, folder, ["init", "--quiet"]);
    return GitRepository.find(context, folder);
  }

  /**
   * Clones a repository into a folder that is not there yet, and checks nothing out: what it holds can be looked at first.
   * @throws VaultError `GIT_FAILED`, `GIT_MISSING`
   */
  static async clone(context: Context, url: string, folder: string, options?: CloneOptions): Promise<GitRepository> {
    await cloneRepository(context, url, folder, options);
    return GitRepository.find(context, folder);
  }

  /** Runs git in the work tree and gives its standard output. @throws VaultError `GIT_FAILED` with git's words */
  run(args: readonly string[], options: GitOptions = {}): Promise<string> {
    return runGit(this.#context, this.workTree, args, options);
  }

  /** As `run`, but `undefined` where git refuses. */
  async try(args: readonly string[], options: GitOptions = {}): Promise<string | undefined> {
    try {
      return await this.run(args, options);
    } catch (error) {
      if (error instanceof VaultError && error.code === "GIT_FAILED") return undefined;
      throw error;
    }
  }

  /** Runs git and gives what it printed as bytes, also where it failed. @throws GitError where it cannot be started */
  output(args: readonly string[], environment?: EnvironmentOptions): Promise<GitOutput> {
    return runGitForOutput(this.#context, this.workTree, args, environment);
  }

  /** Runs git in the work tree for a caller that cannot wait. @throws GitError */
  runSync(args: readonly string[], options?: SyncOptions): Buffer {
    return runGitSync(this.#context, this.workTree, args, options);
  }

  /** Runs a command that talks to a remote. Nobody is asked for a password, no hook runs, and a silent remote is given up. @throws GitError */
  askRemote(args: readonly string[], limits?: RemoteLimits, input?: Uint8Array): Promise<RemoteRun> {
    return askRemote(this.#context, this.workTree, args, limits, input);
  }

  /** As `askRemote`, with the hooks of the person, and the caller judges how it ended. @throws GitError where it did not end */
  talkToRemote(args: readonly string[], limits?: RemoteLimits): Promise<RemoteRun> {
    return talkToRemote(this.#context, this.workTree, args, limits);
  }

  async head(): Promise<Head> {
    const [ref, commit] = await Promise.all([
      this.try(["symbolic-ref", "--quiet", "HEAD"]),
      this.try(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]),
    ]);
    return { ref: ref?.trim() || "HEAD", commit: commit?.trim() || undefined };
  }

  /** The commit that a person's words name. @throws VaultError `INVALID_VALUE` */
  async commitAt(revision: string): Promise<string> {
    const commit = await this.try(["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
    if (commit !== undefined) return commit.trim();
    throw new VaultError("INVALID_VALUE", `There is no commit ${revision} in this repository.`, {
      remedy: "Check its name; where a clone is not whole, fetch it first: git fetch origin COMMIT.",
    });
  }

  /** The operation that the person has begun and not finished, in their words for it, or `undefined`. */
  unfinishedOperation(): string | undefined {
    const marks = {
      "rebase-merge": "rebase",
      "rebase-apply": "rebase",
      MERGE_HEAD: "merge",
      CHERRY_PICK_HEAD: "cherry-pick",
      REVERT_HEAD: "revert",
    };
    // Their hooks post-merge and post-rewrite run when all is done, and before git takes its marks away.
    const isDone = (mark: string) => (mark === "rebase-merge" ? this.#hasRebased() : mark === "MERGE_HEAD" && this.#hasMerged());
    const isUnderWay = (mark: string) => existsSync(join(this.gitDir, mark)) && !isDone(mark);
    return Object.entries(marks).find(([mark]) => isUnderWay(mark))?.[1];
  }

  /** Whether what is merged has come into the commit that is checked out. */
  #hasMerged(): boolean {
    const merged = readText(join(this.gitDir, "MERGE_HEAD"))?.split("\n").filter(Boolean) ?? [];
    const parents = this.runSync(["rev-parse", "HEAD^@"]).toString("latin1").split("\n");
    return merged.length > 0 && merged.every((commit) => parents.includes(commit));
  }

  /** Whether a rebase has done all, and the branch is at its result. */
  #hasRebased(): boolean {
    const read = (file: string) => readText(join(this.gitDir, "rebase-merge", file));
    return read("done") !== undefined && !read("git-rebase-todo")?.trim() && read("head-name")?.trim() === symbolicHead(this.gitDir);
  }

  /** @throws VaultError `REPOSITORY_BUSY` while the person has such an operation unfinished */
  requireNoOperation(): void {
    const operation = this.unfinishedOperation();
    if (operation === undefined) return;
    throw new VaultError("REPOSITORY_BUSY", `This repository is in the middle of a ${operation}.`, {
      remedy: `Finish it (git ${operation} --continue) or give it up (git ${operation} --abort), then run the command again.`,
    });
  }

  /** A folder of the work tree as git names it: relative, with `/`. */
  pathOf(folder: string): string {
    return relative(realpathSync(this.workTree), join(realPathOf(dirname(folder)), basename(folder)))
      .split(sep)
      .join("/");
  }

  /**
   * The contents of files in commits (`REVISION:PATH`), `undefined` for each that is not there.
   * @param maxBytes larger files are as if they were not there
   */
  contents(names: readonly string[], maxBytes?: number): Promise<(Uint8Array | undefined)[]> {
    return readContents(this.#context, this.workTree, names, maxBytes);
  }

  /** The contents of many objects. @throws VaultError `GIT_FAILED` where one is missing */
  blobs(ids: readonly string[]): Promise<Uint8Array[]> {
    return readBlobs(this.#context, this.workTree, ids);
  }
}

/** The path of a folder without links, also of one that is not in the work tree just now. */
function realPathOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR") || folder === dirname(folder)) throw error;
    return join(realPathOf(dirname(folder)), basename(folder));
  }
}
