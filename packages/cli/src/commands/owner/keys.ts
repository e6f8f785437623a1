import { ownerKeys } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class OwnerKeys extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Print your public keys for this vault";
  static override needsPerson = "never" as const;
  static override description = "Send them to an owner, who adds you with agent-vault add-owner.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(OwnerKeys);
    const keys = await ownerKeys(this.context, await this.findVault(), keyChoice(flags.key));
    this.print(keys, () => [keys.recipient, keys.signingKey]);
  }
}
