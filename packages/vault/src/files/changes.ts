import type { VaultFiles } from "./vault-files.js";

/** Whole new files, by their path in the vault's folder; `null` removes one. */
export type FileChanges = Map<string, Uint8Array | null>;

/** Leaves out what equals the present file. */
export function withoutUnchanged(present: Pick<VaultFiles, "read">, changes: FileChanges): FileChanges {
  return new Map([...changes].filter(([file, bytes]) => !sameBytes(bytes, present.read(file) ?? null)));
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);
}
