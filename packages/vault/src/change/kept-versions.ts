import { runBatch, type ReencryptJob } from "../age/batch.js";
import { decrypt } from "../age/decrypt.js";
import type { Identity } from "../age/identity.js";
import { RecipientSets } from "../age/recipient-sets.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { FileChanges } from "../files/changes.js";
import type { VaultState } from "../files/vault-state.js";
import { versionFile, VERSIONS_FOLDER } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { SignedLock } from "../lock/open-lock.js";

/** A value that is stored in the place of another one, where there is one. */
export interface StoredValue {
  readonly path: SecretPath;
  readonly value: Uint8Array;
  /** Its number, one more than that of the value before it. */
  readonly version: number;
}

/**
 * Keeps the values that others take the place of for the owners alone, each as the newest of its secret's kept versions; of these, so many
 * as `settings.keep_versions` says. A value that cannot be read any more is not kept, with a warning: a new one is what repairs that.
 * @param owner opens the present values
 * @param present the state that holds them
 * @throws VaultError `DAMAGED` where what was encrypted does not decrypt again
 */
export async function keepReplaced(
  context: Context,
  state: VaultState,
  stored: readonly StoredValue[],
  owner: Identity,
  present: SignedLock,
): Promise<FileChanges> {
  const keep = state.config.settings.keep_versions;
  const former = state.filesBelow(VERSIONS_FOLDER);
  const [files, jobs, sets]: [FileChanges, ReencryptJob[], RecipientSets] = [new Map(), [], new RecipientSets()];
  const owners = sets.indexOf(state.owners.map(({ recipient }) => recipient));
  const targets: string[] = [];
  for (const { path, value, version } of stored) {
    if (!state.hasSecret(path)) continue;
    const replaced = await presentValue(context, state, path, owner);
    if (replaced === undefined || Buffer.compare(replaced, value) === 0) continue;
    const kept = versionsAmong(former, path).toSorted((a, b) => numberOf(b) - numberOf(a));
    for (const file of kept.slice(Math.max(0, keep - 1))) files.set(file, null);
    if (keep === 0) continue;
    targets.push(versionFile(path, Math.max(1, version - 1), present.digest));
    jobs.push({ kind: "encrypt", name: formatSecretPath(path), file: replaced, recipients: owners });
  }
  const encrypted = await runBatch(jobs, sets.texts, owner, () => {});
  for (const [index, file] of targets.entries()) files.set(file, encrypted[index]!);
  return files;
}

async function presentValue(context: Context, state: VaultState, path: SecretPath, owner: Identity): Promise<Uint8Array | undefined> {
  try {
    return await decrypt(state.ciphertext(path), [owner]);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    context.warn(`The former value of ${formatSecretPath(path)} could not be read, so it is not kept as a version. ${error.message}`);
    return undefined;
  }
}

/** The number of a kept version. */
function numberOf(file: string): number {
  return Number.parseInt(file.slice(file.lastIndexOf("/") + 1), 10) || 0;
}

/** The files of a secret's kept versions. */
export function keptVersions(state: VaultState, path: SecretPath): string[] {
  return versionsAmong(state.filesBelow(VERSIONS_FOLDER), path);
}

function versionsAmong(files: readonly string[], path: SecretPath): string[] {
  const folder = `${VERSIONS_FOLDER}/${path}/`;
  return files.filter((file) => file.startsWith(folder) && !file.slice(folder.length).includes("/"));
}

/** The kept versions of a secret under its new path, and none under the former one. */
export function movedVersions(state: VaultState, from: SecretPath, to: SecretPath): FileChanges {
  const files: FileChanges = new Map();
  for (const file of keptVersions(state, from)) {
    files.set(file, null);
    files.set(`${VERSIONS_FOLDER}/${to}/${file.slice(file.lastIndexOf("/") + 1)}`, state.read(file)!);
  }
  return files;
}
