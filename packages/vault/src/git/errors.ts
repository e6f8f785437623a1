import { existsSync } from "node:fs";
import { isSystemError, VaultError, type ErrorCode } from "../errors.js";
import { hideCredentials } from "../text/credentials.js";
import { printable } from "../text/printable.js";

/**
 * Why git failed, as far as anybody acts on it.
 *
 * - `missing`: there is no program git
 * - `diskFull`, `unwritable`: it could not write on this machine
 * - `lockHeld`: another git process holds a `.lock` file, or left it
 * - `lockedRef`: another git process changed the same branch at the same time
 * - `nonFastForward`: the remote's branch has commits that the pushed one lacks
 * - `authentication`, `hostKeyUnknown`: the remote refused the person, or ssh the remote
 * - `offline`, `timedOut`: the remote could not be reached, or was given up
 * - `notARepository`, `bareRepository`, `dubiousOwnership`: the folder is in no work tree, or in one that git does not trust
 * - `noSuchSection`: the configuration has no such section
 * - `other`: anything else
 */
export type GitErrorKind =
  | "missing"
  | "diskFull"
  | "unwritable"
  | "lockHeld"
  | "lockedRef"
  | "nonFastForward"
  | "authentication"
  | "hostKeyUnknown"
  | "offline"
  | "timedOut"
  | "notARepository"
  | "bareRepository"
  | "dubiousOwnership"
  | "noSuchSection"
  | "other";

/** A run of git that failed: `GIT_MISSING`, `GIT_FAILED`, `DISK_FULL`, `BUSY` or `UNWRITABLE`. `kind` is what a caller acts on. */
export class GitError extends VaultError {
  readonly kind: GitErrorKind;
  /** All that git printed on its error stream. */
  readonly stderr: string;

  constructor(kind: GitErrorKind, code: ErrorCode, message: string, options: { remedy: string; stderr?: string; cause?: unknown }) {
    super(code, message, options);
    this.kind = kind;
    this.stderr = hideCredentials(options.stderr ?? "");
  }
}

/** Whether git failed for one of these reasons. */
export function isGitError(error: unknown, ...kinds: readonly GitErrorKind[]): error is GitError {
  return error instanceof GitError && kinds.includes(error.kind);
}

/** How a run of git ended that did not end well. */
export interface FailedRun {
  readonly args: readonly string[];
  readonly exit: number | NodeJS.Signals | null;
  readonly stderr: string;
}

/** The messages that are recognized, here and nowhere else, in the order of their weight. environment.ts has git write them in English. */
const MESSAGES: readonly (readonly [GitErrorKind, RegExp])[] = [
  // The last two leave the reason out: git could open its lock, and not write to it.
  ["diskFull", /No space left on device|Disk quota exceeded|Out of diskspace|couldn't write '|unable to write new index file/i],
  ["lockHeld", /\.lock': File exists/],
  ["hostKeyUnknown", /Host key verification failed/],
  [
    "authentication",
    /Permission denied \((?:publickey|password|keyboard|gssapi|hostbased)|Permission denied, please try again|Authentication failed|could not read (?:Username|Password)|returned error: 40[13]/,
  ],
  ["unwritable", /Permission denied|Read-only file system|insufficient permission/i],
  ["lockedRef", /cannot lock ref/],
  ["nonFastForward", /non-fast-forward|fetch first|\[rejected\]/],
  ["dubiousOwnership", /detected dubious ownership/],
  ["bareRepository", /must be run in a work tree|cannot use bare repository/],
  ["notARepository", /not a git repository/],
  ["noSuchSection", /no such section/i],
  [
    "offline",
    /Could not resolve host|Connection (?:refused|timed out|reset)|Network is unreachable|No route to host|Failed to connect|Could(?: not|n't) connect/i,
  ],
];

/** git's lines that count how far it is, which are no part of what went wrong. */
const PROGRESS = /^(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d)/;
const MAX_LINES = 3;

const FIX_AND_RETRY = "Fix the problem git reports above, then run the command again; nothing was changed.";

/** The error of a run of git that failed, by what it printed on its error stream. */
export function gitFailed({ args, exit, stderr }: FailedRun): GitError {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^(?:fatal|error): /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("hint:") && !PROGRESS.test(line));
  // What the other side says is in its own words.
  const own = lines.filter((line) => !line.startsWith("remote:")).join("\n");
  const kind = MESSAGES.find(([, message]) => message.test(own))?.[0] ?? "other";
  const said = lines.slice(0, MAX_LINES).map(printable).join(" ") || `it ended with ${exit}`;
  const sentence = said.endsWith(".") ? said : `${said}.`;
  switch (kind) {
    case "diskFull":
      return new GitError(kind, "DISK_FULL", "The disk is full, so git could not write.", {
        remedy: "Free some space and run the command again; nothing was changed.",
        stderr,
      });
    case "lockHeld":
      return new GitError(kind, "BUSY", "Another git process is at work in this repository.", {
        remedy: `Wait for it to end; if none runs, remove the .lock file that git names: ${sentence}`,
        stderr,
      });
    case "unwritable":
      return new GitError(kind, "UNWRITABLE", `git could not write to the repository: ${sentence}`, {
        remedy: "Check the owner and the permissions of the repository.",
        stderr,
      });
    default:
      return new GitError(kind, "GIT_FAILED", `git ${commandOf(args)} failed: ${sentence}`, {
        remedy: REMEDIES[kind] ?? FIX_AND_RETRY,
        stderr,
      });
  }
}

const REMEDIES: Readonly<Partial<Record<GitErrorKind, string>>> = {
  authentication:
    "Check that you may use the remote, and that your ssh agent or credential helper knows the key; then run the command again.",
  hostKeyUnknown: "Connect to the remote once by hand with ssh and compare its key, then run the command again.",
  offline: "Check the connection and the remote's URL (git remote -v), then run the command again.",
  dubiousOwnership: "Check who owns the folder; if you trust them, run the command that git names.",
};

/** What a command's name is among its arguments, which may begin with settings (`-c name=value`). */
export function commandOf(args: readonly string[]): string {
  return args.find((arg) => !arg.startsWith("-") && !arg.includes("=")) ?? "";
}

/** The error for a git that could not be started in a folder. */
export function gitNotStarted(folder: string, cause: unknown): GitError {
  if (!existsSync(folder))
    return new GitError("notARepository", "GIT_FAILED", `There is no folder ${folder}.`, { remedy: "Check the path.", cause });
  if (isSystemError(cause) && cause.code !== "ENOENT") {
    return new GitError("other", "GIT_FAILED", `git could not be started (${cause.code}).`, {
      remedy: "Run git --version to see why.",
      cause,
    });
  }
  return new GitError("missing", "GIT_MISSING", "git was not found.", { remedy: "Install git, or add its folder to PATH.", cause });
}

/** Why a folder is in no work tree, for what git failed with there; other errors as they are. */
export function noWorkTree(error: unknown, folder: string): unknown {
  if (isGitError(error, "bareRepository")) {
    return new VaultError("INVALID_VALUE", `${folder} is in a bare repository, which has no files of its own.`, {
      remedy: "Clone it, and go to the clone.",
      cause: error,
    });
  }
  if (isGitError(error, "notARepository")) {
    return new VaultError("REPOSITORY_NOT_FOUND", `${folder} is not inside a git repository with a work tree.`, {
      remedy: "Run git init there first, or agent-vault init, which does it for you.",
      cause: error,
    });
  }
  return error;
}
