import { Flags } from "@oclif/core";
import { recoverAgent } from "@agent-vault/vault";
import { rotationAdvice } from "../advice/rotation.js";
import { agentArgument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RecoverAgent extends VaultCommand {
  static override helpGroup = "agents" as const;
  static override summary = "Replace an agent's key";
  static override needsPerson = "signs" as const;
  static override description = "For a key that is lost or stolen. The old key opens none of the current secrets.";
  static override args = { agent: agentArgument };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({ description: "write the new key to this file", helpValue: "FILE" }),
  };
  static override completes = { agent: "agents" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(RecoverAgent);
    const recovered = await recoverAgent(this.context, { ...(await this.change(flags)), agent: args.agent, keyOut: flags.out });
    this.print(recovered, function* () {
      if (flags["dry-run"]) yield `Would give agent ${recovered.agent} a new key in ${recovered.keyFile}.`;
      else yield `Agent ${recovered.agent} has a new key in ${recovered.keyFile}.`;
      if (recovered.retiredKeyFile) yield `Its former key file is now ${recovered.retiredKeyFile}.`;
      yield* rotationAdvice("The holder of the old key", recovered.secrets);
    });
  }
}
