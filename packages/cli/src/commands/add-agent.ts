import { Flags } from "@oclif/core";
import { addAgent } from "@agent-vault/vault";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class AddAgent extends VaultCommand {
  static override id = "add-agent";
  static override description = "Make an agent with a key of its own. It reads nothing until it is granted something.";
  static override examples = ["agent-vault add-agent billing-agent"];
  static override args = { agent: word({ description: "the agent's name", required: true }) };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({ description: "write the agent's key file there", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.words(AddAgent);
    const made = await addAgent(this.context, { ...(await this.change(flags)), agent: args.agent, keyOut: flags.out });
    this.print(flags["dry-run"] ? { agent: made.agent, keyFile: made.keyFile } : made, function* () {
      if (flags["dry-run"]) return yield `Would make agent ${made.agent} with its key in ${made.keyFile}.`;
      yield `Made agent ${made.agent}; its key is ${made.keyFile}.`;
      yield `Next: agent-vault grant ${made.agent} GROUP`;
    });
  }
}
