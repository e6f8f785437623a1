import { VaultError } from "../errors.js";
import { printable } from "../text/printable.js";

/** The error of a run of git that failed, by what it printed. */
export function gitError(error: unknown, args: readonly string[]): VaultError {
  const words = error instanceof Error ? error.message : String(error);
  if (/spawn(?:Sync)? git ENOENT/.test(words)) {
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

/** Why a folder is in no work tree, for what `git rev-parse --show-toplevel` failed with there. */
export function noWorkTree(error: unknown, folder: string): unknown {
  if (!(error instanceof VaultError) || error.code !== "GIT_FAILED") return error;
  if (/must be run in a work tree|cannot use bare repository/.test(error.message)) {
    return new VaultError("INVALID_VALUE", `${folder} lies in a bare repository, which holds no files of its own.`, {
      remedy: "Clone it, and go to the clone.",
      cause: error,
    });
  }
  if (/not a git repository/.test(error.message)) {
    return new VaultError("REPOSITORY_NOT_FOUND", `${folder} is not inside a git repository with a work tree.`, {
      remedy: "Run git init there first, or agent-vault init, which does it for you.",
      cause: error,
    });
  }
  return error;
}
