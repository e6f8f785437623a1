import { findVault } from "@agent-vault/vault";
import { initPolicy } from "@agent-vault/runner";
import { VaultCommand } from "../../vault-command.js";

export default class PolicyInit extends VaultCommand {
  static override id = "policy init";
  static override description = "Begin a policy with one that allows what is allowed without it, and shows what else can be said.";

  async run(): Promise<void> {
    await this.words(PolicyInit);
    const file = initPolicy(findVault(this.context));
    this.print({ file }, () => [
      `Wrote ${file}.`,
      "Nobody can use the vault before an owner has signed it: edit it, see what it says with agent-vault policy check, then run agent-vault sign.",
    ]);
  }
}
