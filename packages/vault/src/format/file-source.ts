/** An entry of a vault: `file` is relative to its folder, with `/`. */
export interface FileEntry {
  readonly file: string;
  readonly kind: "file" | "link" | "other";
}

/** The SHA-256 of a file's bytes, as the lock has it. */
type FileDigest = `sha256:${string}`;

/** Where the bytes of a vault's files come from. */
export interface FileReader {
  /** The bytes of a file, or `undefined` where there is none. @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED`, `TAMPERED` where it is too large */
  read(file: string): Uint8Array | undefined;
}

/** A whole vault: its folder on disk, or a commit. */
export interface FileSource extends FileReader {
  /** The vault's folder, for messages and for what is beside it. */
  readonly root: string;
  /** Whether its files are the same for ever, as a commit's are: then they need not be looked through twice. */
  readonly isFixed?: boolean;
  /** As {@link FileReader.read}. @param maxBytes reads no more bytes than these from the file's beginning */
  read(file: string, maxBytes?: number): Uint8Array | undefined;
  /**
   * Gives a file's bytes piece by piece, where only their digest is needed: a large file need not fit into memory.
   * @param take must not keep a piece
   * @returns whether there is such a file
   * @throws VaultError as {@link FileReader.read}
   */
  readInPieces?(file: string, take: (piece: Uint8Array) => void): boolean;
  /** A file's digest, where that is known without reading it. @throws VaultError `LINK_IN_VAULT` */
  knownDigest?(file: string): FileDigest | undefined;
  /** Takes the digests of all its files, which were found to be what an owner signed. */
  noteVerified?(digests: ReadonlyMap<string, FileDigest>): void;
  /** Reads files that are known to be needed, where that is quicker than one after the other. @throws VaultError as {@link FileReader.read} */
  preload?(files: readonly string[]): void;
  /** All entries below a folder (`""` for the whole vault) but folders, sorted. @throws VaultError `LINK_IN_VAULT` */
  walk(folder?: string): FileEntry[];
  /** As `walk`, one after the other, where they need not all be in memory. */
  entries?(folder?: string): Iterable<FileEntry>;
}

/** All entries below a folder but folders, sorted, one after the other. @throws VaultError as {@link FileSource.walk} */
export function entriesOf(source: FileSource, folder = ""): Iterable<FileEntry> {
  return source.entries?.(folder) ?? source.walk(folder);
}
