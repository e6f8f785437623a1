import { allowedSigners } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AllowedSigners extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Print the owners' signing keys as an allowed_signers file";
  static override needsPerson = "never" as const;
  static override description = "ssh-keygen -Y verify checks vault.lock with it.";
  static override examples = [
    "agent-vault owner allowed-signers > allowed_signers",
    "ssh-keygen -Y verify -f allowed_signers -I NAME -n agent-vault -s .agent-vault/vault.lock.sig < .agent-vault/vault.lock",
  ];
  static override flags = { key: keyFlag };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AllowedSigners);
    const lines = await allowedSigners(this.context, await this.findVault(), keyChoice(flags.key));
    this.print(lines, () => lines);
  }
}
