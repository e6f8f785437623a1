import { Flags } from "@oclif/core";
import { restoreAgent } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { agentArgument, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RestoreAgent extends VaultCommand {
  static override helpGroup = "agents" as const;
  static override summary = "Restore an agent's key file from its escrow";
  static override needsPerson = "hands-out-key" as const;
  static override description = "For a new machine. The vault does not change.";
  static override args = { agent: agentArgument };
  static override flags = {
    key: keyFlag,
    out: Flags.string({ description: "write the key to this file", helpValue: "FILE", aliases: ["to"] }),
  };
  static override completes = { agent: "agents" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(RestoreAgent);
    const request = { vault: await this.findVault(), key: keyChoice(flags.key), agent: args.agent, keyOut: flags.out };
    const restored = await restoreAgent(this.context, request);
    this.print(restored, function* () {
      yield restored.present
        ? `The key of agent ${restored.agent} is already in ${restored.keyFile}.`
        : `Wrote the key of agent ${restored.agent} to ${restored.keyFile}.`;
      if (restored.retiredKeyFile) yield `The key that was there is now ${restored.retiredKeyFile}.`;
    });
  }
}
