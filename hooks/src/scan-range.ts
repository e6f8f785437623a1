import { type Context, VaultError } from "@agent-vault/vault/read-only";
import { ALLOW_FILE } from "./allow.js";
import { fileName, type ScanFinding } from "./finding.js";
import { git, records, runGit } from "./git.js";
import { scanObjects, type ScannedObject } from "./scan-objects.js";

/** The mode of what is no file of a commit, but the commit's own message. */
const MESSAGE = "message";
/** What CI names as the base of a branch that is new. */
const NOTHING = /^0{40}(?:0{24})?$/;

/**
 * Scans what a range of commits adds to history: each file that any of its commits adds or changes, also where a later one removes it again, and the commits'
 * messages. Lines of the allow file count as the base has them, so that no change can allow itself.
 * @param range `BASE..HEAD`, with anything that git can name; `HEAD` may be left out, and a base of zeros is none
 * @returns findings as of `scanStaged`, each with the first commit that has it, the oldest first
 * @throws VaultError `INVALID_VALUE` for what is no range or names no commit, `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function scanRange(context: Context, cwd: string, range: string): Promise<ScanFinding[]> {
  const [, baseName, headName] = /^(.+?)\.\.\.?(.*)$/.exec(range) ?? [];
  if (baseName === undefined || headName === undefined) {
    throw new VaultError("INVALID_VALUE", "--range needs two commits.", { remedy: "Give them as BASE..HEAD, such as origin/main..HEAD." });
  }
  const base = NOTHING.test(baseName) ? undefined : await commitOf(context, cwd, baseName);
  const head = await commitOf(context, cwd, headName || "HEAD");
  const allowFile = base === undefined ? undefined : `${base}:${ALLOW_FILE}`;
  return scanObjects(context, cwd, objectsIn(context, cwd, base, head), allowFile);
}

async function commitOf(context: Context, cwd: string, name: string): Promise<string> {
  const { exit, stdout } = await runGit(context, cwd, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
  if (exit === 0) return stdout.toString("latin1").trim();
  // Outside of a repository this says so.
  await git(context, cwd, ["rev-parse", "--git-dir"]);
  throw new VaultError("INVALID_VALUE", `There is no commit ${JSON.stringify(name)} in this repository.`, {
    remedy: "Check its name. In CI, fetch the whole history (fetch-depth: 0).",
  });
}

const LOG =
  "log --reverse --topo-order --format=%H --no-show-signature --raw -z -r -c --root --no-renames --no-abbrev --ignore-submodules=none".split(
    " ",
  );

/** The messages and files of commits. Of a merge, the files that are as in none of its parents. */
async function objectsIn(context: Context, cwd: string, base: string | undefined, head: string): Promise<ScannedObject[]> {
  const log = await git(context, cwd, [...LOG, head, ...(base === undefined ? [] : [`^${base}`]), "--"]);
  const found: ScannedObject[] = [];
  let commit = "";
  const fields = records(log);
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!.toString("latin1").replace(/^\n/, "");
    if (field.startsWith(":")) {
      const { mode, object } = resultOf(field);
      const file = fileName(fields[++index]!);
      // What was deleted has no mode.
      if (!/^0+$/.test(mode)) found.push({ file, mode, object, commit });
    } else if (/^[0-9a-f]+$/.test(field)) {
      commit = field;
      found.push({ file: "", mode: MESSAGE, object: commit, commit });
    }
  }
  return found;
}

/** `:MODE MODE ID ID STATUS`, with a further colon, mode and id for each further parent: the last ones are the commit's own. */
function resultOf(field: string): { mode: string; object: string } {
  const parents = /^:+/.exec(field)![0].length;
  const words = field.slice(parents).split(" ");
  return { mode: words[parents]!, object: words[2 * parents + 1]! };
}
