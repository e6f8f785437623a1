import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type Context, isSystemError, VaultError } from "@agent-vault/vault/read-only";
import { ALLOW_FILE, type Allowed, isAllowed, parseAllowed, readAllowed } from "./allow.js";
import { Content } from "./content.js";
import { fileName, type ScanFinding, quoted } from "./finding.js";
import { readObjects, runGit } from "./git.js";
import { indexEntries, LINK, stagedEntries, SUBMODULE, type IndexEntry } from "./index-entries.js";
import { checkVaultLink, checkVaultSubmodule } from "./vault-file.js";

/** How many blobs are scanned between two reports of progress. */
const PROGRESS_INTERVAL = 256;

/**
 * Scans what the commit that is being made would add or change: the blobs of the index, whatever the work tree holds.
 * @param cwd any folder of the work tree; within a hook, the folder that git started it in.
 * @returns what must not be committed and is not allowed by the index's `.agent-vault-allow`, sorted by file and line.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export function scanStaged(context: Context, cwd: string): Promise<ScanFinding[]> {
  return scanEntries(context, cwd, stagedEntries(context, cwd));
}

/** As {@link scanStaged}, for every tracked file: the whole index. */
export function scanIndex(context: Context, cwd: string): Promise<ScanFinding[]> {
  return scanEntries(context, cwd, indexEntries(context, cwd));
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

async function scanEntries(context: Context, cwd: string, listing: Promise<readonly IndexEntry[]>): Promise<ScanFinding[]> {
  const findings: ScanFinding[] = [];
  /** The names of each blob. */
  const files = new Map<string, string[]>();
  const allowFileChunks: Uint8Array[] = [];

  const objects = listing.then((entries) => {
    for (const { file, mode, object } of entries) {
      if (mode === SUBMODULE) {
        findings.push(...checkVaultSubmodule(file));
        continue;
      }
      if (mode === LINK) findings.push(...checkVaultLink(file));
      const known = files.get(object);
      if (known) known.push(file);
      else files.set(object, [file]);
    }
    return [`:${ALLOW_FILE}`, ...files.keys()];
  });
  let done = 0;
  await readObjects(context, cwd, objects, (name) => {
    if (name.startsWith(":")) return { push: (bytes) => allowFileChunks.push(bytes), end: () => {} };
    const content = new Content();
    return {
      push: (bytes) => content.push(bytes),
      end: () => {
        findings.push(...content.findings(files.get(name)!));
        if (++done % PROGRESS_INTERVAL === 0) context.progress?.({ step: "scan", done, total: files.size });
      },
    };
  });
  return notAllowed(findings, parseAllowed(Buffer.concat(allowFileChunks).toString("utf8")));
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
  return stat.isFile() ? readContent(path).findings([nameFrom(root, path)]) : [];
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

/** The findings that the allow file does not allow, sorted. */
function notAllowed(findings: readonly ScanFinding[], allowed: Allowed): ScanFinding[] {
  return findings
    .filter((finding) => !isAllowed(allowed, finding))
    .toSorted((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1));
}
