import { removeOwner } from "@agent-vault/vault";
import { newAgentKeys, recoverAgentsFlag, retiredOwnerAdvice } from "../advice/after-owner-change.js";
import { argument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RemoveOwner extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Remove an owner";
  static override needsPerson = "signs" as const;
  static override description = "All secrets are re-encrypted, so that their key opens none of them.";
  static override args = { owner: argument({ description: "the owner's name", required: true }) };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag, "recover-agents": recoverAgentsFlag };
  static override completes = { owner: "owners" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(RemoveOwner);
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
