import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { identitiesInFile, ownerKeyFile, retiredKeyFiles, vaultOwnerKeyFile } from "./key-file.js";

/**
 * The owner's keys of this machine that a rotation has replaced, where no passphrase protects them: they open what was encrypted before it
 * was known everywhere.
 */
export function formerOwnerKeys(context: Context, vaultId: string): Identity[] {
  return [ownerKeyFile(context), vaultOwnerKeyFile(context, vaultId)]
    .flatMap((file) => [file, ...retiredKeyFiles(file)])
    .flatMap(identitiesInFile);
}
