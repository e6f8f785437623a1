import { openVault, type Context, type KeyChoice, type Principal } from "@agent-vault/vault/read-only";

/** The owner or agent whose key was found; `undefined` without a key. @throws VaultError as `openVault` */
export async function availablePrincipal(context: Context, root: string, key: KeyChoice): Promise<Principal | undefined> {
  return (await openVault(context, root, "files", { key, quiet: true })).principal();
}
