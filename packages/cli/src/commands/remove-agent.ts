import { removeAgent } from "@agent-vault/vault";
import { rotationAdvice } from "../advice/rotation.js";
import { agentArgument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RemoveAgent extends VaultCommand {
  static override helpGroup = "agents" as const;
  static override summary = "Remove an agent";
  static override needsPerson = "signs" as const;
  static override description = "Everything that it could read is re-encrypted.";
  static override args = { agent: agentArgument };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };
  static override completes = { agent: "agents" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(RemoveAgent);
    const removed = await removeAgent(this.context, { ...(await this.change(flags)), agent: args.agent });
    this.print(removed, function* () {
      yield `${flags["dry-run"] ? "Would remove" : "Removed"} agent ${removed.agent}.`;
      if (removed.retiredKeyFile) yield `Its key file is now ${removed.retiredKeyFile}.`;
      yield* rotationAdvice(removed.agent, removed.secrets);
    });
  }
}
