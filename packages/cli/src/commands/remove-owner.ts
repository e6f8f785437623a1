import { removeOwner } from "@agent-vault/vault";
import { newAgentKeys, recoverAgentsFlag, retiredOwnerAdvice } from "../findings/after-owner-change.js";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class RemoveOwner extends VaultCommand {
  static override id = "remove-owner";
  static override description = "Take an owner out of the vault; everything is encrypted anew, and their key opens none of it.";
  static override args = { owner: word({ description: "the owner's name", required: true }) };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag, "recover-agents": recoverAgentsFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(RemoveOwner);
    const removed = await removeOwner(this.context, {
      ...(await this.change(flags)),
      owner: args.owner,
      recoverAgents: flags["recover-agents"],
    });
    this.print(removed, function* () {
      yield `${flags["dry-run"] ? "Would remove" : "Removed"} owner ${removed.owner}.`;
      yield* newAgentKeys(removed, flags);
      yield* retiredOwnerAdvice(removed.owner, removed.secrets, flags);
    });
  }
}
