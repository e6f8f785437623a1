import type { Context } from "@agent-vault/vault/read-only";
import { fileName } from "./finding.js";
import { git, gitError, records, runGit } from "./git.js";

/** A file of the index. */
export interface IndexEntry {
  readonly file: string;
  /** As git writes it: `100644`, `120000` for a link, `160000` for a submodule. */
  readonly mode: string;
  readonly object: string;
}

/** Modes of what is not a file. */
export const LINK = "120000";
/** Another repository. */
export const SUBMODULE = "160000";

/** The blobs of the index that are not at the same path in HEAD; all of them before the first commit. */
export async function stagedEntries(context: Context, cwd: string): Promise<IndexEntry[]> {
  const args = ["diff-index", "--cached", "--no-renames", "--diff-filter=d", "--no-abbrev", "-z", "HEAD", "--"];
  const diff = await runGit(context, cwd, args);
  if (diff.exit !== 0) {
    const { exit } = await runGit(context, cwd, ["rev-parse", "--verify", "--quiet", "HEAD"]);
    if (exit === 1) return indexEntries(context, cwd);
    throw gitError(cwd, args, diff);
  }
  const entries: IndexEntry[] = [];
  const fields = records(diff.stdout);
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode, , object] = fields[index]!.toString("latin1").split(" ");
    entries.push({ file: fileName(fields[index + 1]!), mode: mode!, object: object! });
  }
  return entries;
}

/** Every file of the index. */
export async function indexEntries(context: Context, cwd: string): Promise<IndexEntry[]> {
  const listing = await git(context, cwd, ["ls-files", "--stage", "--full-name", "-z", "--", ":/"]);
  return records(listing).map((record) => {
    const tab = record.indexOf("\t");
    const [mode, object] = record.toString("latin1", 0, tab).split(" ");
    return { file: fileName(record.subarray(tab + 1)), mode: mode!, object: object! };
  });
}
