import { digestOf, type Digest } from "../lock/digest.js";
import type { VaultFiles } from "./vault-files.js";

/** Whole new files, by their path in the vault's folder; `null` removes one. */
export type FileChanges = Map<string, Uint8Array | null>;

/** Leaves out what equals the present file. @param digests of present files, of all that are signed: these are not read */
export function withoutUnchanged(
  present: Pick<VaultFiles, "read">,
  changes: FileChanges,
  digests: ReadonlyMap<string, Digest> = new Map(),
): FileChanges {
  const isUnchanged = (file: string, bytes: Uint8Array | null) => {
    const digest = digests.get(file);
    return digest === undefined ? sameBytes(bytes, present.read(file) ?? null) : bytes !== null && digestOf(bytes) === digest;
  };
  return new Map([...changes].filter(([file, bytes]) => !isUnchanged(file, bytes)));
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);
}
