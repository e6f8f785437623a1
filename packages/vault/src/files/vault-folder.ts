import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, VaultError } from "../errors.js";
import type { FileEntry, FileSource } from "../format/file-source.js";

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
   * @throws VaultError `LINK_IN_VAULT`, `DAMAGED` where it is not a regular file, `FAILED` where it cannot be read
   */
  read(file: string, maxBytes = Infinity): Uint8Array | undefined {
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
      return readAll(descriptor, Math.min(stat.size, maxBytes));
    } catch (error) {
      throw unreadable(error, file);
    } finally {
      closeSync(descriptor);
    }
  }

  /** All entries below `folder` (relative, `""` for the whole vault) but folders, sorted; links are named and not followed. */
  walk(folder = ""): FileEntry[] {
    const entries: FileEntry[] = [];
    const visit = (relative: string): void => {
      for (const entry of readdirSync(join(this.root, relative), { withFileTypes: true })) {
        const file = relative === "" ? entry.name : `${relative}/${entry.name}`;
        if (entry.isDirectory()) visit(file);
        else entries.push({ file, kind: entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "other" });
      }
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
