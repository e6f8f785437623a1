import { removeAgent } from "@agent-vault/vault";
import { rotationAdvice } from "../findings/rotation-advice.js";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class RemoveAgent extends VaultCommand {
  static override id = "remove-agent";
  static override description = "Take an agent out of the vault and encrypt anew all that it could read.";
  static override args = { agent: word({ description: "the agent's name", required: true }) };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(RemoveAgent);
    const removed = await removeAgent(this.context, { ...(await this.change(flags)), agent: args.agent });
    this.print(removed, function* () {
      yield `${flags["dry-run"] ? "Would remove" : "Removed"} agent ${removed.agent}.`;
      if (removed.retiredKeyFile) yield `Its key file is now ${removed.retiredKeyFile}.`;
      yield* rotationAdvice(removed.agent, removed.secrets);
    });
  }
}
