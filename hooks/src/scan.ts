import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type Context, isSystemError, VaultError } from "@agent-vault/vault/read-only";
import { ALLOW_FILE, type Allowed, isAllowed, parseAllowed, readAllowed } from "./allow.js";
import { Content } from "./content.js";
import { fileName, type ScanFinding, quoted } from "./finding.js";
import { git, gitError, readObjects, records, runGit } from "./git.js";
import { checkVaultLink, checkVaultSubmodule } from "./vault-file.js";

/** A file of the index. */
interface Entry {
  readonly file: string;
  /** As git writes it: `100644`, `120000` for a link, `160000` for a submodule. */
  readonly mode: string;
  readonly object: string;
}

const LINK = "120000";
const SUBMODULE = "160000";

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
 * @returns findings as of {@link scanStaged}, judged by the work tree's `.agent-vault-allow`. Files outside the repository have absolute names.
 * @throws VaultError `FILE_NOT_FOUND`, `FAILED` where a file cannot be read, `GIT_MISSING`
 */
export async function scanFiles(context: Context, paths: readonly string[]): Promise<ScanFinding[]> {
  const root = await rootFolder(context);
  try {
    const findings = paths.flatMap((path) => scanPath(root, locate(context, path)));
    return judged(findings, readAllowed(root));
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EIO")) throw error;
    throw new VaultError("FAILED", `A file could not be read (${error.message}), so the scan is not complete.`, {
      remedy: "Check its permissions, or leave it out.",
      cause: error,
    });
  }
}

async function scanEntries(context: Context, cwd: string, listing: Promise<readonly Entry[]>): Promise<ScanFinding[]> {
  const findings: ScanFinding[] = [];
  const files = new Map<string, string[]>();
  const allowFile: Uint8Array[] = [];

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
    if (name.startsWith(":")) return { push: (bytes) => allowFile.push(bytes), end: () => {} };
    const content = new Content();
    return {
      push: (bytes) => content.push(bytes),
      end: () => {
        findings.push(...content.findings(files.get(name)!));
        if (++done % 256 === 0) context.progress?.({ step: "scan", done, total: files.size });
      },
    };
  });
  return judged(findings, parseAllowed(Buffer.concat(allowFile).toString("utf8")));
}

/** The blobs of the index that are not at the same path in HEAD; all of them before the first commit. */
async function stagedEntries(context: Context, cwd: string): Promise<Entry[]> {
  const args = ["diff-index", "--cached", "--no-renames", "--diff-filter=d", "--no-abbrev", "-z", "HEAD", "--"];
  const diff = await runGit(context, cwd, args);
  if (diff.exit !== 0) {
    const { exit } = await runGit(context, cwd, ["rev-parse", "--verify", "--quiet", "HEAD"]);
    if (exit === 1) return indexEntries(context, cwd);
    throw gitError(cwd, args, diff);
  }
  const entries: Entry[] = [];
  const fields = records(diff.stdout);
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode, , object] = fields[index]!.toString("latin1").split(" ");
    entries.push({ file: fileName(fields[index + 1]!), mode: mode!, object: object! });
  }
  return entries;
}

async function indexEntries(context: Context, cwd: string): Promise<Entry[]> {
  const listing = await git(context, cwd, ["ls-files", "--stage", "--full-name", "-z", "--", ":/"]);
  return records(listing).map((record) => {
    const tab = record.indexOf("\t");
    const [mode, object] = record.toString("latin1", 0, tab).split(" ");
    return { file: fileName(record.subarray(tab + 1)), mode: mode!, object: object! };
  });
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
      const piece = Buffer.alloc(PIECE);
      const size = readSync(descriptor, piece);
      if (size === 0) return content;
      content.push(piece.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
}

const PIECE = 65536;

function nameFrom(root: string, path: Buffer): string {
  const prefix = Buffer.from(root.endsWith(sep) ? root : root + sep);
  const name = fileName(path.subarray(0, prefix.length).equals(prefix) ? path.subarray(prefix.length) : path);
  return sep === "/" ? name : name.replaceAll(sep, "/");
}

function judged(findings: readonly ScanFinding[], allowed: Allowed): ScanFinding[] {
  return findings
    .filter((finding) => !isAllowed(allowed, finding))
    .toSorted((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1));
}
