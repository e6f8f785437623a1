import { presentedToken, VaultError, type Context } from "@agent-vault/vault/read-only";

/**
 * A token is for the use of secrets. Whatever else a vault's key would allow is refused while one is presented.
 * @param what as it follows "Tokens cannot": `mint a token`
 * @throws VaultError `TOKEN_DENIED`
 */
export function refuseUnderToken(context: Pick<Context, "env">, what: string): void {
  if (presentedToken(context) === undefined) return;
  throw new VaultError("TOKEN_DENIED", `Tokens cannot ${what}.`, {
    remedy: "Unset AGENT_VAULT_TOKEN and use a key of the vault.",
  });
}
