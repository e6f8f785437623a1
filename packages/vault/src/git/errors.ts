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
 * - `nonFastForward`: the remote's branch has commits that the pushed one lacks, or is not where it has to be
 * - `hookDeclined`: a hook refused a push, the person's pre-push or one of the remote
 * - `protectedBranch`: the remote takes changes of this branch by pull request only
 * - `noSuchRef`: the remote has no such branch or tag
 * - `noSuchRemote`: there is no repository, or none that the person may see
 * - `authentication`, `hostKeyUnknown`: the remote refused the person, or ssh the remote
 * - `offline`, `timedOut`: the remote could not be reached, or was given up
 * - `cutShort`: the remote began to send objects, and did not end
 * - `notARepository`, `bareRepository`, `dubiousOwnership`: the folder is in no work tree, or in one that git does not trust
 * - `noSuchSection`: the configuration has no such section
 * - `tooMuchOutput`: it printed more than was wanted, and was ended
 * - `other`: anything else
 */
export type GitErrorKind =
  | "missing"
  | "diskFull"
  | "unwritable"
  | "lockHeld"
  | "lockedRef"
  | "nonFastForward"
  | "hookDeclined"
  | "protectedBranch"
  | "noSuchRef"
  | "noSuchRemote"
  | "authentication"
  | "hostKeyUnknown"
  | "offline"
  | "timedOut"
  | "cutShort"
  | "notARepository"
  | "bareRepository"
  | "dubiousOwnership"
  | "noSuchSection"
  | "tooMuchOutput"
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
  ["unwritable", /Permission denied|Read-only file system|insufficient permission|unable to create directory/i],
  ["lockedRef", /cannot lock ref/],
  ["noSuchRef", /couldn't find remote ref/],
  ["nonFastForward", /non-fast-forward|fetch first|\[rejected\]/],
  ["dubiousOwnership", /detected dubious ownership/],
  ["noSuchRemote", /does not appear to be a git repository|repository '[^']+' not found|Repository not found/],
  ["bareRepository", /must be run in a work tree|cannot use bare repository/],
  ["notARepository", /not a git repository/],
  ["noSuchSection", /no such section/i],
  [
    "cutShort",
    /early EOF|unexpected disconnect while reading|invalid index-pack output|(?:index-pack|unpack-objects|pack-objects) (?:failed|died)/,
  ],
  [
    "offline",
    /Could not resolve host|Connection (?:refused|timed out|reset)|Network is unreachable|No route to host|Failed to connect|Could(?: not|n't) connect/i,
  ],
];

/** git's lines that say how far it is and what went well, which are no part of what went wrong. */
const PROGRESS = /^(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d|From \S|POST git-|[*=+-] \[?\S.* -> |[0-9a-f]+\.\.[0-9a-f]+ )/;
const MAX_LINES = 3;

const FIX_AND_RETRY = "Fix the problem git reports above, then run the command again; nothing was changed.";

/** The error of a run of git that failed, by what it printed on its error stream. */
export function gitFailed({ args, exit, stderr }: FailedRun): GitError {
  const lines = linesOf(stderr);
  // What the other side says is in its own words.
  const own = lines.filter((line) => !line.startsWith("remote:")).join("\n");
  const kind = MESSAGES.find(([, message]) => message.test(own))?.[0] ?? "other";
  const sentence = sentenceOf(lines.slice(0, MAX_LINES).join(" ") || `it ended with ${exit}`);
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

/** What git said went wrong, line by line, without the marks that git puts before it. */
function linesOf(stderr: string): string[] {
  return stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^(?:fatal|error): /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("hint:") && !PROGRESS.test(line));
}

function sentenceOf(words: string): string {
  const said = printable(words);
  return said.endsWith(".") ? said : `${said}.`;
}

const PROTECTED = /\bGH006\b|\bGH013\b|protected (?:branch|ref)|rule violations|TF402455|only be modified through pull requests/i;
/** GitHub tells of a secret in a commit by the number of its rules. */
const SECRET_FOUND = /push protection/i;

/**
 * The error of a push that was refused.
 * @param ref of the remote; `undefined` where the person's own hook refused
 * @param summary git's word for it, such as `[remote rejected] (pre-receive hook declined)`
 */
export function pushRefused(stderr: string, ref: string | undefined, summary: string): GitError {
  if (ref === undefined) {
    const words = linesOf(stderr).filter((line) => !line.startsWith("failed to push some refs"));
    return new GitError(
      "hookDeclined",
      "GIT_FAILED",
      `The pre-push hook of this repository refused the push: ${reasonOf(words, summary)}`,
      {
        remedy: "Put right what the hook asks for, then run the command again; nothing was pushed.",
        stderr,
      },
    );
  }
  const reason = reasonOf(
    linesOf(stderr).flatMap((line) => /^remote: +(.*\S)/.exec(line)?.[1] ?? []),
    summary,
  );
  if (/^\[rejected\]|non-fast-forward|failed to update ref|cannot lock ref|incorrect old value/.test(summary)) {
    return new GitError("nonFastForward", "GIT_FAILED", `${ref} of the remote has moved on meanwhile, so nothing was pushed.`, {
      remedy: "Fetch it and join the two, then push again.",
      stderr,
    });
  }
  const said = `${summary}\n${stderr}`;
  if (PROTECTED.test(said) && !SECRET_FOUND.test(said)) {
    return new GitError("protectedBranch", "GIT_FAILED", `${ref} is protected on the remote, so nothing was pushed: ${reason}`, {
      remedy: "Push to a branch of your own (git push REMOTE HEAD:refs/heads/NAME), and open a pull request from it.",
      stderr,
    });
  }
  const kind = /hook declined|rule violations/.test(summary) ? "hookDeclined" : "other";
  return new GitError(kind, "GIT_FAILED", `The remote refused what was pushed to ${ref}: ${reason}`, {
    remedy: "Put right what the remote asks for, then run the command again; nothing was pushed.",
    stderr,
  });
}

/** The first of the words that came with a refusal, else git's word for it. */
function reasonOf(lines: readonly string[], summary: string): string {
  return sentenceOf(lines.slice(0, MAX_LINES).join(" ") || summary);
}

const REMEDIES: Readonly<Partial<Record<GitErrorKind, string>>> = {
  authentication:
    "Check that you may use the remote, and that your ssh agent or credential helper knows the key; then run the command again.",
  hostKeyUnknown: "Connect to the remote once by hand with ssh and compare its key, then run the command again.",
  noSuchRef: "See what the remote has with git ls-remote; the branch may have been merged and deleted.",
  noSuchRemote: "Check the remote's URL (git remote -v), and that you may see the repository.",
  cutShort: "Try again when the remote answers.",
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

/** The error for a git that printed more than can be of use. */
export function tooMuchOutput(args: readonly string[]): GitError {
  return new GitError("tooMuchOutput", "GIT_FAILED", `git ${commandOf(args)} printed more than is read.`, {
    remedy: "See what is so large in the repository: git count-objects -vH.",
  });
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
