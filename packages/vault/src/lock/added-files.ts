import { VaultError } from "../errors.js";
import { CONFIG_FILE } from "../format/layout.js";
import type { Digest } from "./digest.js";

const ENTRY = String.raw` {2}([a-z][a-z0-9._-]{0,63}): (sha256:[0-9a-f]{64})\n`;
const BLOCK = new RegExp(`^signed_files:\n((?:${ENTRY})+)(?! )`, "m");
/** Every way to begin the field, the one above among them. */
const MENTION = /^[?{]?[ \t]*["']?signed_files["']?[ \t]*(?::|\r?$)/gm;

/**
 * The digests of the files and folders that the lock's own lists leave out, by their names, from `signed_files` in `config.yaml`: what
 * readers of 0.2.0 take for stray files. It has one spelling and one reader, without a YAML parser, since every read needs it.
 * @param config bytes that the lock vouches for
 * @returns nothing where there is no such field: 0.2.0 does not write it
 * @throws VaultError `INVALID_CONFIG` where it is spelled in another way, or twice
 */
export function signedFilesIn(config: Uint8Array): ReadonlyMap<string, Digest> {
  const text = Buffer.from(config).toString("latin1");
  const mentions = text.match(MENTION)?.length ?? 0;
  if (mentions === 0) return new Map();
  const block = BLOCK.exec(text);
  const entries = [...(block?.[1] ?? "").matchAll(new RegExp(ENTRY, "g"))].map(([, name, digest]) => [name!, digest as Digest] as const);
  const isSorted = entries.every(([name], index) => index === 0 || entries[index - 1]![0] < name);
  if (mentions > 1 || entries.length === 0 || !isSorted) throw misspelled();
  return new Map(entries);
}

/** A configuration without its `signed_files`, which every change rewrites: what it says of anything else. */
export function withoutSignedFiles(config: Uint8Array): string {
  return Buffer.from(config).toString("latin1").replace(BLOCK, "");
}

function misspelled(): VaultError {
  return new VaultError("INVALID_CONFIG", `${CONFIG_FILE}: signed_files is not written as agent-vault writes it.`, {
    remedy: `Restore ${CONFIG_FILE} from git, or remove the field and sign the change (agent-vault sign), which writes it again.`,
  });
}
