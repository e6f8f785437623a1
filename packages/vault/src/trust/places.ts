import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { createFile } from "../disk/atomic-file.js";
import { isSystemError, VaultError } from "../errors.js";

/** A folder of a remote, by the one spelling of its URL and the path in its repository. */
export interface VaultPlace {
  readonly remote: string;
  readonly path: string;
}

/**
 * The id of the vault that was seen at a place first; `undefined` where none was. Two vaults of one owner pass every signature, so nothing but
 * this tells that they were swapped.
 */
export function vaultSeenAt(context: Context, place: VaultPlace): string | undefined {
  try {
    return readFileSync(fileOf(context, place), "utf8").trim();
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Remembers which vault is at a place. The first one stays; what cannot be written is said where the state is remembered. */
export function rememberPlace(context: Context, place: VaultPlace, vaultId: string): void {
  if (vaultSeenAt(context, place) !== undefined) return;
  const file = fileOf(context, place);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    createFile(file, `${vaultId}\n`, { durable: true });
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof VaultError)) throw error;
  }
}

/** Takes back which vault is at a place, where it is this one. @throws what the file system does */
export function forgetPlace(context: Context, place: VaultPlace, vaultId: string): void {
  if (vaultSeenAt(context, place) === vaultId) rmSync(fileOf(context, place), { force: true });
}

function fileOf(context: Context, { remote, path }: VaultPlace): string {
  const name = createHash("sha256").update(`${remote}\0${path}`).digest("hex").slice(0, 32);
  return join(context.home, "trust", "places", name);
}
