import { presentedToken, VaultError, type Context } from "@agent-vault/vault/read-only";

/**
 * A token is for the use of secrets. Whatever else a vault's key would allow is refused while one is presented.
 * @param what would be done, in words for a message: `mint a token`
 * @throws VaultError `TOKEN_DENIED`
 */
export function refuseUnderToken(context: Pick<Context, "env">, what: string): void {
  if (presentedToken(context) === undefined) return;
  throw new VaultError("TOKEN_DENIED", `With a token nobody can ${what}.`, {
    remedy: "A person who holds a key of the vault can, without AGENT_VAULT_TOKEN in the environment.",
  });
}
