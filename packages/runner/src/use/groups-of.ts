import type { SecretPath, VaultFiles } from "@agent-vault/vault/read-only";

/** The same verified files, with what they mean. */
export async function stateOf(files: VaultFiles) {
  const { VaultState } = await import("@agent-vault/vault");
  const state = new VaultState(files.source);
  if (files.signed) state.vouch(files.signed);
  return state;
}

/** The groups that list a secret, by the signed manifest. */
export async function groupsOf(files: VaultFiles, path: SecretPath): Promise<readonly string[]> {
  return (await stateOf(files)).manifest.groupsOf(path);
}
