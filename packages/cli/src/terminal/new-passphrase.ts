import { VaultError } from "@agent-vault/vault/read-only";
import { terminal } from "./terminal.js";

/** Asks for a new passphrase, twice. @throws VaultError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE` */
export async function askNewPassphrase(): Promise<string> {
  if (!terminal.canAskPassphrase())
    throw new VaultError("PASSPHRASE_REQUIRED", "There is no terminal to ask for a passphrase on.", {
      remedy: "Run the command on a terminal.",
    });
  const passphrase = await terminal.askPassphrase("New passphrase: ");
  if (passphrase === "")
    throw new VaultError("PASSPHRASE_REQUIRED", "The passphrase is empty.", { remedy: "Run the command again and type a passphrase." });
  if (passphrase !== (await terminal.askPassphrase("Again: "))) {
    throw new VaultError("WRONG_PASSPHRASE", "The two passphrases differ.", { remedy: "Run the command again. Nothing was changed." });
  }
  return passphrase;
}
