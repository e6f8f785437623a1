import { loadKeysForUse, openVault, type Context, type KeyChoice, type Principal } from "@agent-vault/vault/read-only";

/** The owner or agent whose key the server uses. @throws VaultError as `loadKeysForUse`, such as `NO_KEY`, and `openVault` */
export async function requirePrincipal(context: Context, root: string, key: KeyChoice): Promise<Principal> {
  const keys = await loadKeysForUse(context, root, { key, pull: false });
  return (await (await openVault(context, root, "files", { keys, quiet: true })).principal())!;
}
