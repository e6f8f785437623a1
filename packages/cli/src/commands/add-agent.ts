import { Flags } from "@oclif/core";
import { addAgent } from "@agent-vault/vault";
import { agentArgument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class AddAgent extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 3;
  static override summary = "Add an agent with its own key";
  static override description = "The agent can read nothing until you grant it a group or a secret.";
  static override examples = ["agent-vault add-agent billing-agent"];
  static override args = { agent: agentArgument };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({ description: "write the agent's key file there", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(AddAgent);
    const made = await addAgent(this.context, { ...(await this.change(flags)), agent: args.agent, keyOut: flags.out });
    this.print(flags["dry-run"] ? { agent: made.agent, keyFile: made.keyFile } : made, function* () {
      if (flags["dry-run"]) return yield `Would make agent ${made.agent} with its key in ${made.keyFile}.`;
      yield `Made agent ${made.agent}; its key is ${made.keyFile}.`;
      yield `Next: agent-vault grant ${made.agent} GROUP`;
    });
  }
}
