import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { StateRef } from "../lock/state-ref.js";
import type { Context } from "../context.js";
import { findGitFolders, mayHaveRemote, symbolicHead } from "../git/git-folders.js";

/** Where a state comes from, which decides against what it is compared. */
export type Place =
  /** A folder in no repository: nothing but this machine's memory says what came before. */
  | { readonly kind: "folder" }
  /** A repository without a remote; `clone` is its git folder, `ref` the branch that is checked out. */
  | { readonly kind: "local"; readonly clone: string; readonly ref: string }
  /** The work tree of a clone, which may hold any branch: what its remote was seen to have judges beside it. */
  | { readonly kind: "checkout"; readonly clone: string; readonly ref: string }
  /** A ref as it was fetched. */
  | FetchedPlace;

/** A ref of a remote, whose URL has one spelling; `isHome` where it is the vault's main one. */
export interface FetchedPlace {
  readonly kind: "fetched";
  readonly remote: string;
  readonly ref: string;
  readonly isHome: boolean;
  /** What was fetched of it. */
  readonly commit: string;
  /** The vault's folder in the repository, with `/`. */
  readonly path: string;
  /** The id of the vault that lies in the work tree. */
  readonly vaultId?: string | undefined;
  /** A state that a commit before this one holds and that follows this one: somebody has committed older files on top. */
  readonly superseded?: StateRef | undefined;
}

/** The place of a vault's work tree. No program is started: every read comes through here. @param root the vault's folder */
export function workTreePlace(context: Context, root: string): Place {
  const folders = findGitFolders(dirname(root));
  if (!folders) return { kind: "folder" };
  const { gitDir, commonDir } = folders;
  const head = symbolicHead(gitDir) ?? "HEAD";
  return { kind: mayHaveRemote(context, dirname(root)) ? "checkout" : "local", clone: realOr(commonDir), ref: head };
}

function realOr(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
