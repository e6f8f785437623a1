import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { ownerKeyFile, parseKeyFile, vaultOwnerKeyFile } from "./key-file.js";

/**
 * The owner's keys of this machine that a rotation has replaced, where no passphrase protects them: they open what was encrypted before it
 * was known everywhere.
 */
export function formerOwnerKeys(context: Context, vaultId: string): Identity[] {
  return [ownerKeyFile(context), vaultOwnerKeyFile(context, vaultId)]
    .flatMap((file) => [file, ...retiredBeside(file)])
    .flatMap(identitiesIn);
}

function retiredBeside(file: string): string[] {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.startsWith(`${basename(file)}.retired-`) ? [join(folder, name)] : []));
}

/** None where the file is protected, or no key. */
function identitiesIn(file: string): readonly Identity[] {
  try {
    return parseKeyFile(readFileSync(file)).identities;
  } catch {
    return [];
  }
}
