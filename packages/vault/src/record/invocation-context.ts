import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { findGitFolders, symbolicHead } from "../git/git-folders.js";
import { detectHarness } from "../harness.js";
import { withoutCredentials } from "../text/credentials.js";

/** Where a command was started, as far as the machine says. All of it can be forged by the one who starts it: hints, not proofs. */
export interface InvocationContext {
  /** The name of the system's user. */
  readonly user: string | undefined;
  /** The coding agent that seems to have started this. */
  readonly harness: string | undefined;
  readonly folder: string;
  /** The remote's URL without user name and password, else the work tree's folder. */
  readonly repository: string | undefined;
  /** The checked-out branch; `undefined` where none is. */
  readonly branch: string | undefined;
}

/**
 * Looks around without starting a program, as every use pays for it.
 * @param root the vault's folder
 */
export function invocationContext(context: Context, root: string): InvocationContext {
  const git = findGitFolders(dirname(root));
  return {
    user: userOf(context),
    harness: detectHarness(context.env),
    folder: context.cwd,
    repository: git && (remoteUrl(read(join(git.commonDir, "config"))) ?? git.workTree),
    branch: git && /^refs\/heads\/(.+)$/.exec(symbolicHead(git.gitDir) ?? "")?.[1],
  };
}

/** The URL of `origin`, or of the first remote. Reads the file line by line, whatever is in it. */
function remoteUrl(config: string): string | undefined {
  const urls = new Map<string, string>();
  let remote: string | undefined;
  for (const line of config.split(/\r?\n/)) {
    const section = /^[ \t]*\[(?:remote "([^"]*)")?/i.exec(line);
    if (section) remote = section[1];
    const url = /^[ \t]*url[ \t]*=(.*)$/i.exec(line)?.[1]?.replaceAll('"', "").trim();
    if (url && remote !== undefined && !urls.has(remote)) urls.set(remote, url);
  }
  const url = urls.get("origin") ?? [...urls.values()][0];
  return url === undefined ? undefined : withoutCredentials(url);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A user of a container need not be in the system's list. */
function userOf(context: Context): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return context.env["USER"] || context.env["USERNAME"] || undefined;
  }
}
