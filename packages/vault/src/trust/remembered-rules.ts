import type { Context } from "../context.js";
import type { Digest } from "../lock/digest.js";
import { dropRules, keptRules } from "./memory-store.js";
import { configInRules, parseRules, type Rules } from "./rules-file.js";

/**
 * What judges uses of a state that this machine has seen on a vault's main branch, for a checkout that does not hold it. It is verified as it is read.
 * @param lock the digest of the state's lock, from the memory
 * @param root the vault's folder, for messages
 * @returns `undefined` where it was not kept, or is not what was kept
 */
export function rememberedRules(context: Context, vaultId: string, lock: Digest, root: string): Rules | undefined {
  const bytes = keptRules(context, vaultId, lock);
  const rules = bytes && parseRules(bytes, vaultId, lock, root);
  if (bytes && !rules) dropRules(context, vaultId, lock);
  return rules;
}

/** The bytes of the `config.yaml` of such a state, verified; `undefined` where they were not kept. */
export function rememberedConfig(context: Context, vaultId: string, lock: Digest): Uint8Array | undefined {
  const bytes = keptRules(context, vaultId, lock);
  return bytes && configInRules(bytes, vaultId, lock);
}
