import { ownerKeys } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag, VaultCommand } from "../../vault-command.js";

export default class OwnerKeys extends VaultCommand {
  static override id = "owner keys";
  static override description =
    "Print your recipient, and your signing key for this vault: what you send to an owner who should make you one (add-owner).";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(OwnerKeys);
    const keys = await ownerKeys(this.context, await this.findVault(), keyChoice(flags.key));
    this.print(keys, () => [keys.recipient, keys.signingKey]);
  }
}
