import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import process from "node:process";
import type { SimpleGit } from "simple-git";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { printable } from "../text/printable.js";
import { runWithRemote, type RemoteLimits } from "./run-with-remote.js";

/** What git says of one run: its output, or that it refused, with its own words. */
export interface GitOptions {
  /** Bytes for git's standard input. */
  readonly input?: Uint8Array;
  /** Variables on top of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** An environment variable that tells git which repository to use; a hook sets some, and they are not meant for us. */
const REPOSITORY_VARIABLES = new Set(
  "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_DIR GIT_WORK_TREE GIT_OBJECT_DIRECTORY GIT_INDEX_FILE GIT_GRAFT_FILE GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR GIT_NAMESPACE GIT_QUARANTINE_PATH GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS".split(
    " ",
  ),
);

/** What git has no use for: programs it must not start here, and a key that no child of ours may see. */
const WITHHELD_VARIABLES = new Set(["EDITOR", "PAGER", "AGENT_VAULT_KEY"]);

/** What was just pulled must not run here: a hook may be a file of the new commit. */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"];

/** A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs. */
const OWN_CONFIGURATION = "safe.bareRepository=explicit";

/** A remote that says nothing for so long, or is not done after so long, is given up. */
const REMOTE_LIMITS: RemoteLimits = { silence: 15_000, total: 300_000 };

/** Where HEAD stands. `ref` is `HEAD` itself when it is detached; `commit` is absent before the first commit. */
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
    const output = await runGit(context, folder, ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-object-format"]).catch(
      (error: unknown) => {
        if (!(error instanceof VaultError) || error.code !== "GIT_FAILED") throw error;
        if (/must be run in a work tree|cannot use bare repository/.test(error.message)) {
          throw new VaultError("INVALID_VALUE", `${folder} lies in a bare repository, which holds no files of its own.`, {
            remedy: "Clone it, and go to the clone.",
            cause: error,
          });
        }
        if (/not a git repository/.test(error.message)) {
          throw new VaultError("REPOSITORY_NOT_FOUND", `${folder} is not inside a git repository with a work tree.`, {
            remedy: "Run git init there first, or agent-vault init, which does it for you.",
            cause: error,
          });
        }
        throw error;
      },
    );
    const [workTree, gitDir, objectFormat] = output.trimEnd().split("\n");
    return new GitRepository(context, resolve(workTree!), resolve(gitDir!), objectFormat === "sha256" ? "sha256" : "sha1");
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
  static async clone(context: Context, url: string, folder: string, limits = REMOTE_LIMITS): Promise<GitRepository> {
    const ownSsh = await runGit(context, dirname(folder), ["config", "--get", "core.sshCommand"]).catch(() => "");
    await talk(context, dirname(folder), ["clone", "--no-checkout", "--template=", "--", url, folder], ownSsh !== "", limits);
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

  /**
   * Fetches from the remote of the branch that is checked out. Nobody is asked for a password, no hook runs, and a silent remote is given up.
   * @throws VaultError `GIT_FAILED`
   */
  async fetch(limits = REMOTE_LIMITS): Promise<void> {
    const ownSsh = await this.try(["config", "--get", "core.sshCommand"]);
    await talk(this.#context, this.workTree, ["fetch", "--no-recurse-submodules"], Boolean(ownSsh), limits);
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
    return Object.entries(marks).find(([mark]) => existsSync(join(this.gitDir, mark)))?.[1];
  }

  /** A folder of the work tree as git names it: relative, with `/`. */
  pathOf(folder: string): string {
    return relative(realpathSync(this.workTree), join(realpathSync(dirname(folder)), basename(folder)))
      .split(sep)
      .join("/");
  }

  /** The contents of files in commits (`REVISION:PATH`), `undefined` for each that is not there. */
  async contents(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    if (names.length === 0) return [];
    const answers = (await this.run(["cat-file", "--batch-check=%(objectname) %(objecttype)"], { input: lines(names) })).split("\n");
    const ids = names.map((_, index) => /^([0-9a-f]+) blob$/.exec(answers[index] ?? "")?.[1]);
    const blobs = await this.blobs(ids.filter((id) => id !== undefined));
    return ids.map((id) => (id === undefined ? undefined : blobs.shift()));
  }

  /** The contents of many objects, in one process. */
  async blobs(ids: readonly string[]): Promise<Uint8Array[]> {
    if (ids.length === 0) return [];
    const git = await gitFor(this.#context, this.workTree, { input: lines(ids) });
    const output = await (git.binaryCatFile(["--batch"]) as Promise<Buffer>);
    const blobs: Uint8Array[] = [];
    for (let offset = 0; blobs.length < ids.length;) {
      const end = output.indexOf(10, offset);
      const size = Number(output.toString("latin1", offset, end).split(" ")[2]);
      if (end < 0 || !Number.isInteger(size))
        throw new VaultError("GIT_FAILED", "git does not hold an object that it should.", { remedy: "Run git fsck." });
      blobs.push(new Uint8Array(output.subarray(end + 1, end + 1 + size)));
      offset = end + 1 + size + 1;
    }
    return blobs;
  }
}

function lines(words: readonly string[]): Uint8Array {
  return Buffer.from(words.map((word) => `${word}\n`).join(""));
}

/** Runs a command that talks to a remote, with limits. @param ownSsh whether the configuration names a program for ssh */
async function talk(
  context: Context,
  folder: string,
  [command, ...words]: readonly [string, ...string[]],
  ownSsh: boolean,
  limits: RemoteLimits,
): Promise<void> {
  const { env } = context;
  const args = ["-c", OWN_CONFIGURATION, ...NO_HOOKS, command, "--quiet", "--progress", ...words];
  const ssh = ownSsh || env["GIT_SSH_COMMAND"] || env["GIT_SSH"];
  const extra = environment(context, ssh ? {} : { GIT_SSH_COMMAND: "ssh -o BatchMode=yes" });
  const outcome = await runWithRemote(folder, args, extra, limits).catch((error: unknown) => {
    throw gitError(error, args);
  });
  if (outcome === "done") return;
  if ("words" in outcome) throw gitError(new Error(outcome.words), args);
  const seconds = Math.ceil(limits[outcome.exceeded] / 1000);
  throw new VaultError(
    "GIT_FAILED",
    outcome.exceeded === "silence"
      ? `git ${command} was given up, since the remote said nothing for ${seconds} seconds.`
      : `git ${command} was given up, since it was not done after ${seconds} seconds.`,
    { remedy: "Try again when the remote answers, or read the local state with --no-pull." },
  );
}

async function runGit(context: Context, folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const git = await gitFor(context, folder, options);
  try {
    return await git.raw(...args);
  } catch (error) {
    throw gitError(error, args);
  }
}

/** A runner of git; the library is loaded with the first use, since reading a secret needs none. */
async function gitFor(context: Context, folder: string, options: GitOptions): Promise<SimpleGit> {
  const { simpleGit } = await import("simple-git");
  const env = environment(context, options.env);
  const { input } = options;
  // The arguments are ours; what is allowed here is the person's own environment, as git itself would take it.
  const git = simpleGit({
    baseDir: folder,
    trimmed: false,
    config: [OWN_CONFIGURATION],
    // Output is read to its end: under load it may come later than the end of the process.
    completion: { onClose: true, onExit: false },
    errors: (error, { exitCode, stdErr }) =>
      error ?? (exitCode === 0 ? undefined : Buffer.concat([...stdErr, Buffer.from(`exit code ${exitCode}`)])),
    ...(input && { input: () => Buffer.from(input.buffer, input.byteOffset, input.length) }),
    allowEnvironment: Object.keys(env),
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeDiffExternal: true,
      allowUnsafeEditor: true,
      allowUnsafeExec: true,
      allowUnsafeGitProxy: true,
      allowUnsafeHooksPath: true,
      allowUnsafePager: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
  });
  // simple-git 4.0 waits 50 ms more for a command that prints nothing; an empty chunk of output spares each such command that.
  git.outputHandler((_command, stdout) => process.nextTick(() => stdout.emit("data", Buffer.alloc(0))));
  return git.env(env);
}

/** The environment that git gets. */
function environment(context: Context, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const variables = { ...context.env, ...extra, LC_ALL: "C", GIT_TERMINAL_PROMPT: context.env["GIT_TERMINAL_PROMPT"] ?? "0" };
  return Object.fromEntries(
    Object.entries(variables).filter(
      ([name, value]) => value !== undefined && !WITHHELD_VARIABLES.has(name) && (!REPOSITORY_VARIABLES.has(name) || name in extra),
    ),
  );
}

function gitError(error: unknown, args: readonly string[]): VaultError {
  const words = error instanceof Error ? error.message : String(error);
  if (/spawn git ENOENT/.test(words)) {
    return new VaultError("GIT_MISSING", "git was not found.", { remedy: "Install git, or add its folder to PATH.", cause: error });
  }
  const command = args.find((arg) => !arg.startsWith("-") && !arg.includes("=")) ?? "";
  const said = words
    .split("\n")
    .map((line) => line.replace(/^(fatal|error): /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("hint:"))
    .slice(0, 3)
    .map(printable)
    .join(" ");
  // The last two leave the reason out: git could open its lock, and not write to it.
  if (/No space left on device|Disk quota exceeded|Out of diskspace|couldn't write '|unable to write new index file/i.test(words)) {
    return new VaultError("DISK_FULL", "The disk is full, so git could not write.", {
      remedy: "Free some space and run the command again; nothing was changed.",
      cause: error,
    });
  }
  if (/\.lock': File exists/.test(words)) {
    return new VaultError("BUSY", "Another git process is at work in this repository.", {
      remedy: "Wait for it to end; if none runs, remove the .lock file that git names: " + said,
      cause: error,
    });
  }
  if (/Permission denied|Read-only file system|insufficient permission/i.test(words)) {
    return new VaultError("UNWRITABLE", `git could not write to the repository: ${said}`, {
      remedy: "Check the owner and the permissions of the repository.",
      cause: error,
    });
  }
  return new VaultError("GIT_FAILED", `git ${command} failed: ${said}`, {
    remedy: "Put right what git names, then run the command again; nothing was changed.",
    cause: error,
  });
}
