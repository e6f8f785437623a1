import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VaultError } from "../errors.js";
import type { GitRepository } from "./repository.js";
import type { SyncOptions } from "./run-git-sync.js";

/** A blob whose size is known, and has been found to be one that may be read. */
export interface SizedBlob {
  readonly id: string;
  /** In bytes. */
  readonly size: number;
}

const PIECE_BYTES = 256 * 1024;
/** git's line before each object: an id, a type, a size. */
const MAX_HEADER_BYTES = 100;

/** The contents of blobs, all in one process, for a caller that cannot wait. @throws VaultError `GIT_FAILED` where one is missing */
export function readBlobsSync(repository: Pick<GitRepository, "runSync">, blobs: readonly SizedBlob[]): Uint8Array[] {
  if (blobs.length === 0) return [];
  const maxBytes = blobs.reduce((total, { size }) => total + size + MAX_HEADER_BYTES, 0);
  const input = Buffer.from(blobs.map(({ id }) => `${id}\n`).join(""));
  const output = repository.runSync(["cat-file", "--batch"], { input, maxBytes });
  let offset = 0;
  return blobs.map(({ id, size }) => {
    const end = output.indexOf("\n", offset);
    if (output.toString("latin1", offset, end) !== `${id} blob ${size}`) throw missingObject();
    offset = end + 1 + size + 1;
    return new Uint8Array(output.subarray(end + 1, offset - 1));
  });
}

/**
 * The contents of files in commits (`REVISION:PATH`) for a caller that cannot wait, `undefined` for each that is not there, is no file, or
 * is larger than `maxBytes`: sizes are known before anything is read.
 * @param run runs git and gives its standard output
 */
export function readContentsSync(
  run: (args: readonly string[], options: SyncOptions) => Buffer,
  names: readonly string[],
  maxBytes: number,
): (Uint8Array | undefined)[] {
  if (names.length === 0) return [];
  const lines = run(["cat-file", "--batch-check"], { input: Buffer.from(names.map((name) => `${name}\n`).join("")) })
    .toString("latin1")
    .split("\n");
  const found = names.map((_, index): SizedBlob | undefined => {
    const [, id, size] = /^([0-9a-f]+) blob (\d+)$/.exec(lines[index] ?? "") ?? [];
    return id !== undefined && Number(size) <= maxBytes ? { id, size: Number(size) } : undefined;
  });
  const distinct = new Map(found.flatMap((blob) => (blob ? [[blob.id, blob] as const] : [])));
  const contents = readBlobsSync({ runSync: run }, [...distinct.values()]);
  const byId = new Map([...distinct.keys()].map((id, index) => [id, contents[index]!]));
  return found.map((blob) => blob && byId.get(blob.id));
}

/**
 * Gives a blob piece by piece to a caller that cannot wait. It goes through a file without a name, since it may be large, and what a
 * waiting process prints is held in memory.
 */
export function streamBlobSync(repository: GitRepository, { id, size }: SizedBlob, take: (piece: Uint8Array) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "agent-vault-"));
  let file: number | undefined;
  try {
    file = openSync(join(folder, "object"), "wx+", 0o600);
    repository.runSync(["cat-file", "blob", id], { output: file });
    const piece = Buffer.allocUnsafeSlow(Math.min(size, PIECE_BYTES));
    let offset = 0;
    while (offset < size) {
      const read = readSync(file, piece, 0, Math.min(piece.length, size - offset), offset);
      if (read === 0) throw missingObject();
      take(piece.subarray(0, read));
      offset += read;
    }
  } finally {
    if (file !== undefined) closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The error of an object that a commit names and the repository lacks. */
export function missingObject(): VaultError {
  return new VaultError("GIT_FAILED", "git does not hold an object that it should.", { remedy: "Run git fsck to see what is missing." });
}
