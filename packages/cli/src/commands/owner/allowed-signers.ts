import { allowedSigners } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag, VaultCommand } from "../../vault-command.js";

export default class AllowedSigners extends VaultCommand {
  static override id = "owner allowed-signers";
  static override description =
    "Print the owners' signing keys as the allowed_signers file with which ssh-keygen -Y verify checks vault.lock.";
  static override examples = [
    "agent-vault owner allowed-signers > allowed_signers",
    "ssh-keygen -Y verify -f allowed_signers -I NAME -n agent-vault -s .agent-vault/vault.lock.sig < .agent-vault/vault.lock",
  ];
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(AllowedSigners);
    const lines = await allowedSigners(this.context, await this.findVault(), keyChoice(flags.key));
    this.print(lines, () => lines);
  }
}
