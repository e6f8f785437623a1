import { findVault } from "@agent-vault/vault";
import { initPolicy } from "@agent-vault/runner";
import { VaultCommand } from "../../vault-command.js";

export default class PolicyInit extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Create a policy";
  static override needsPerson = "never" as const;
  static override description = "It allows what is allowed without a policy, and shows the rules that you can add.";

  async run(): Promise<void> {
    await this.parseCommandLine(PolicyInit);
    const file = initPolicy(findVault(this.context));
    this.print({ file }, () => [
      `Wrote ${file}.`,
      "Until an owner signs it, nobody can use the vault. Edit it, check it with agent-vault policy check, then run agent-vault sign.",
    ]);
  }
}
