import type { VaultFiles } from "@agent-vault/vault/read-only";

/** The same verified files, with what they mean. */
export async function stateOf(files: VaultFiles) {
  const { VaultState } = await import("@agent-vault/vault");
  const state = new VaultState(files.source);
  if (files.signed) state.vouch(files.signed);
  return state;
}
