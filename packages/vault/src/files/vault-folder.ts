import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, readSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { isSystemError, VaultError } from "../errors.js";
import type { FileEntry, FileSource } from "../format/file-source.js";
import { requireDepth, requireEntries, requireSize } from "./limits.js";

const PIECE_BYTES = 256 * 1024;

/**
 * The vault's folder on disk. No link is followed below it, at any depth: a link where a file or folder should be
 * is `LINK_IN_VAULT`, whatever it points at.
 */
export class VaultFolder implements FileSource {
  readonly root: string;
  readonly #plainFolders = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /**
   * The bytes of a file, or `undefined` when there is none.
   * @param maxBytes reads no more bytes than these from its beginning
   * @throws VaultError `LINK_IN_VAULT`, `DAMAGED` where it is not a regular file, `FAILED` where it cannot be read, `TAMPERED` where it
   *   is larger than such a file can be
   */
  read(file: string, maxBytes = Infinity): Uint8Array | undefined {
    return this.#open(file, (descriptor, size) => readAll(descriptor, size), maxBytes);
  }

  /** Gives a file's bytes piece by piece, so that a large one is never whole in memory. @throws VaultError as `read` */
  readInPieces(file: string, take: (piece: Uint8Array) => void): boolean {
    const length = this.#open(file, (descriptor, size) => {
      const piece = Buffer.allocUnsafeSlow(Math.min(size, PIECE_BYTES));
      let offset = 0;
      while (offset < size) {
        const read = readSync(descriptor, piece, 0, Math.min(piece.length, size - offset), offset);
        if (read === 0) break;
        take(piece.subarray(0, read));
        offset += read;
      }
      return offset;
    });
    return length !== undefined;
  }

  /** Opens a regular file of the vault that is no larger than such a file can be. @returns `undefined` where there is none */
  #open<T>(file: string, use: (descriptor: number, size: number) => T, maxBytes = Infinity): T | undefined {
    const path = join(this.root, file);
    let descriptor: number;
    try {
      const slash = file.lastIndexOf("/");
      if (!this.#checkFolder(slash < 0 ? "" : file.slice(0, slash))) return undefined;
      if (constants.O_NOFOLLOW === undefined && lstatSync(path).isSymbolicLink()) throw linkInVault(file);
      descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
      if (isSystemError(error, "ELOOP", "EMLINK")) throw linkInVault(file);
      throw unreadable(error, file);
    }
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) throw notAFile(file);
      const size = Math.min(stat.size, maxBytes);
      requireSize(file, size);
      return use(descriptor, size);
    } catch (error) {
      throw unreadable(error, file);
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * All entries below `folder` (relative, `""` for the whole vault) but folders, sorted; links are named and not followed.
   * @throws VaultError `LINK_IN_VAULT`, `TAMPERED` where there are more than a vault has
   */
  walk(folder = ""): FileEntry[] {
    const entries: FileEntry[] = [];
    const visit = (relative: string): void => {
      requireDepth(relative);
      const folders: string[] = [];
      forEachIn(join(this.root, relative), (entry) => {
        const file = relative === "" ? entry.name : `${relative}/${entry.name}`;
        if (entry.isDirectory()) folders.push(file);
        else entries.push({ file, kind: entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "other" });
        requireEntries(folder, entries.length + folders.length);
      });
      for (const file of folders) visit(file);
    };
    if (this.#checkFolder(folder)) visit(folder);
    return entries.toSorted((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** Whether the folder exists, each part of it a real folder. */
  #checkFolder(folder: string): boolean {
    if (this.#plainFolders.has(folder)) return true;
    if (folder !== "" && !this.#checkFolder(folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "")) return false;
    const stat = lstatSync(join(this.root, folder), { throwIfNoEntry: false });
    if (stat === undefined) return false;
    if (stat.isSymbolicLink()) throw linkInVault(folder || ".");
    if (!stat.isDirectory()) return false;
    this.#plainFolders.add(folder);
    return true;
  }
}

/** Goes through a folder that may have more entries than fit into memory. */
function forEachIn(path: string, take: (entry: Dirent) => void): void {
  const folder = opendirSync(path, { bufferSize: 512 });
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) take(entry);
  } finally {
    folder.closeSync();
  }
}

function readAll(descriptor: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    const read = readSync(descriptor, bytes, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
}

/** The error for a link in a vault. @param file relative to the vault's folder */
export function linkInVault(file: string): VaultError {
  return new VaultError("LINK_IN_VAULT", `${file} in the vault is a link, and links in a vault are never followed.`, {
    remedy: "Find out who put it there, then remove it or restore the file from git.",
  });
}

function notAFile(file: string): VaultError {
  return new VaultError("DAMAGED", `${file} in the vault is not a regular file.`, { remedy: "Remove it, or restore the file from git." });
}

function unreadable(error: unknown, file: string): unknown {
  if (!isSystemError(error)) return error;
  return new VaultError("FAILED", `${file} in the vault could not be read (${error.code}).`, {
    remedy: "Check the permissions of the vault's folder.",
    cause: error,
  });
}
