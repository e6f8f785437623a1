import { Flags } from "@oclif/core";
import { addAgent } from "@agent-vault/vault";
import { agentArgument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class AddAgent extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 3;
  static override summary = "Add an agent with its own key";
  static override needsPerson = "signs" as const;
  static override description = "The agent can read nothing until you grant it a group or a secret.";
  static override examples = ["agent-vault add-agent billing-agent"];
  static override args = { agent: agentArgument };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({ description: "write the agent's key to this file", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(AddAgent);
    const added = await addAgent(this.context, { ...(await this.change(flags)), agent: args.agent, keyOut: flags.out });
    this.print(flags["dry-run"] ? { agent: added.agent, keyFile: added.keyFile } : added, function* () {
      if (flags["dry-run"]) return yield `Would add agent ${added.agent} with its key in ${added.keyFile}.`;
      yield `Added agent ${added.agent}. Its key is in ${added.keyFile}.`;
      yield `Next: agent-vault grant ${added.agent} GROUP`;
    });
  }
}
