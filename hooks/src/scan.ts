import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type Context, isSystemError, VaultError } from "@agent-vault/vault/read-only";
import { ALLOW_FILE, readAllowed } from "./allow.js";
import { Content } from "./content.js";
import { fileName, type ScanFinding, quoted } from "./finding.js";
import { runGit } from "./git.js";
import { indexEntries, stagedEntries } from "./index-entries.js";
import { notAllowed, scanObjects } from "./scan-objects.js";
import { checkVaultLink } from "./vault-file.js";

const INDEX_ALLOW_FILE = `:${ALLOW_FILE}`;

/**
 * Scans what the commit that is being made would add or change: the blobs of the index, whatever the work tree holds.
 * @param cwd any folder of the work tree; within a hook, the folder that git started it in.
 * @returns what must not be committed and is not allowed by the index's `.agent-vault-allow`, sorted by file and line.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export function scanStaged(context: Context, cwd: string): Promise<ScanFinding[]> {
  return scanObjects(context, cwd, stagedEntries(context, cwd), INDEX_ALLOW_FILE);
}

/** As {@link scanStaged}, for every tracked file: the whole index. */
export function scanIndex(context: Context, cwd: string): Promise<ScanFinding[]> {
  return scanObjects(context, cwd, indexEntries(context, cwd), INDEX_ALLOW_FILE);
}

/**
 * Scans files of the work tree, tracked or not; folders with all that is below them but `.git`. Links are not followed.
 * @param paths relative to `context.cwd`, or absolute.
 * @returns findings as of {@link scanStaged}, without those that the work tree's `.agent-vault-allow` allows. Files outside the repository have absolute names.
 * @throws VaultError `FILE_NOT_FOUND`, `FAILED` where a file cannot be read, `GIT_MISSING`
 */
export async function scanFiles(context: Context, paths: readonly string[]): Promise<ScanFinding[]> {
  const root = await rootFolder(context);
  try {
    const findings = paths.flatMap((path) => scanPath(root, locate(context, path)));
    return notAllowed(findings, readAllowed(root));
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EIO")) throw error;
    throw new VaultError("FAILED", `A file could not be read (${error.message}), so the scan is not complete.`, {
      remedy: "Check its permissions, or leave it out.",
      cause: error,
    });
  }
}

/** The folder that findings are named from: the repository's root, else the current folder. */
async function rootFolder(context: Context): Promise<string> {
  const { exit, stdout } = await runGit(context, context.cwd, ["rev-parse", "--show-toplevel"]);
  return realpathSync(exit === 0 ? stdout.toString("utf8").replace(/\r?\n$/, "") : context.cwd);
}

/** The path with all links resolved but one at its end. */
function locate(context: Context, path: string): Buffer {
  const absolute = resolve(context.cwd, path);
  try {
    const located = join(realpathSync(dirname(absolute)), basename(absolute));
    if (lstatSync(located).isSymbolicLink()) context.warn(`${path} is a symbolic link, and links are not followed.`);
    return Buffer.from(located);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR")) throw error;
    throw new VaultError("FILE_NOT_FOUND", `There is no file or folder ${quoted(path)}.`, { remedy: "Check the path.", cause: error });
  }
}

/** `path` and all that is below it; names are bytes, for not all of them are UTF-8. */
function scanPath(root: string, path: Buffer): ScanFinding[] {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return checkVaultLink(nameFrom(root, path));
  if (stat.isDirectory()) {
    return readdirSync(path, { encoding: "buffer" })
      .filter((name) => !name.equals(GIT_FOLDER))
      .flatMap((name) => scanPath(root, Buffer.concat([path, SEPARATOR, name])));
  }
  return stat.isFile() ? readContent(path).findings([{ file: nameFrom(root, path) }]) : [];
}

const GIT_FOLDER = Buffer.from(".git");
const SEPARATOR = Buffer.from(sep);

function readContent(path: Buffer): Content {
  const content = new Content();
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const size = readSync(descriptor, chunk);
      if (size === 0) return content;
      content.push(chunk.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
}

const CHUNK_BYTES = 65536;

function nameFrom(root: string, path: Buffer): string {
  const prefix = Buffer.from(root.endsWith(sep) ? root : root + sep);
  const name = fileName(path.subarray(0, prefix.length).equals(prefix) ? path.subarray(prefix.length) : path);
  return sep === "/" ? name : name.replaceAll(sep, "/");
}
