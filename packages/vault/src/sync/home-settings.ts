import type { Context } from "../context.js";
import type { VaultFiles } from "../files/vault-files.js";
import { CONFIG_FILE } from "../format/layout.js";
import { isFullRef, type FullRef } from "../git/full-ref.js";
import type { GitRepository } from "../git/repository.js";
import { allStatesOnHome, statesOnHome } from "../trust/memory.js";
import { readMemory } from "../trust/memory-store.js";
import type { FetchedPlace } from "../trust/place.js";
import { rememberedConfig } from "../trust/remembered-rules.js";
import type { TrustContext } from "../trust/trust-context.js";
import { readTrustedFile } from "../trust/verify-fetched.js";
import { readSyncSettings } from "./sync-settings.js";

/** Where a vault's own settings say that its main branch is. */
export interface HomeSettings {
  /** The remote's name in each clone. */
  readonly remote?: string | undefined;
  /** The branch by its full name. */
  readonly ref?: FullRef | undefined;
}

/**
 * What the vault says of its main branch, by the newest state that was seen there and verified. What the branch says that is checked out does
 * not count: anyone who can push a branch would choose whose rules judge it.
 * @param remote the one spelling of a remote; of the remote with the newest state unless given
 */
export async function settingsOfHome(context: Context, vaultId: string | undefined, remote?: string): Promise<HomeSettings> {
  const memory = vaultId === undefined ? undefined : readMemory(context, vaultId);
  if (!memory) return {};
  const home = remote === undefined ? undefined : memory.remotes[remote]?.home;
  const states = remote === undefined ? allStatesOnHome(memory) : home === undefined ? [] : statesOnHome(memory, remote, home);
  for (const { lock } of states.toSorted((a, b) => b.sequence - a.sequence)) {
    const config = rememberedConfig(context, vaultId!, lock);
    if (config) return homeIn({ read: () => config });
  }
  return {};
}

/** The same by a state that was just fetched, where nothing is remembered; nothing where it is not one to trust. */
export async function settingsOfFetched(trust: TrustContext, repository: GitRepository, place: FetchedPlace): Promise<HomeSettings> {
  const config = readTrustedFile(trust, repository, place, CONFIG_FILE, (bytes) => Buffer.from(bytes).includes("sync"));
  return config ? homeIn({ read: () => config }) : {};
}

async function homeIn(files: Pick<VaultFiles, "read">): Promise<HomeSettings> {
  const { remote, branch } = (await readSyncSettings(files)).sync;
  const ref = branch === undefined || branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
  return { remote, ref: ref !== undefined && isFullRef(ref) ? ref : undefined };
}
