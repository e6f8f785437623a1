import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { terminal } from "./terminal.js";

/** Asks a person for a new passphrase, twice, or who answers in a person's place, once. @throws VaultError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE` */
export async function askNewPassphrase(context: Context): Promise<string> {
  if (context.isUnattended) return context.passphrase!("the new key");
  if (!terminal.canAskPassphrase())
    throw new VaultError("PASSPHRASE_REQUIRED", "There is no terminal to ask for a passphrase on.", {
      remedy: "Run the command on a terminal, or give it with --passphrase-fd or AGENT_VAULT_ASKPASS.",
    });
  const passphrase = await terminal.askPassphrase("New passphrase: ");
  if (passphrase === "")
    throw new VaultError("PASSPHRASE_REQUIRED", "The passphrase is empty.", { remedy: "Run the command again and type a passphrase." });
  if (passphrase !== (await terminal.askPassphrase("Again: "))) {
    throw new VaultError("WRONG_PASSPHRASE", "The two passphrases differ.", { remedy: "Run the command again. Nothing was changed." });
  }
  return passphrase;
}
