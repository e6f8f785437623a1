import { Flags } from "@oclif/core";
import { recoverAgent } from "@agent-vault/vault";
import { rotationAdvice } from "../findings/rotation-advice.js";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class RecoverAgent extends VaultCommand {
  static override id = "recover-agent";
  static override description = "Give an agent a new key when the old one is lost or in wrong hands; the old key opens nothing any more.";
  static override args = { agent: word({ description: "the agent's name", required: true }) };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({ description: "write the new key file there", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.words(RecoverAgent);
    const recovered = await recoverAgent(this.context, { ...(await this.change(flags)), agent: args.agent, keyOut: flags.out });
    this.print(recovered, function* () {
      if (flags["dry-run"]) yield `Would give agent ${recovered.agent} a new key in ${recovered.keyFile}.`;
      else yield `Agent ${recovered.agent} has a new key in ${recovered.keyFile}.`;
      if (recovered.retiredKeyFile) yield `Its former key file is now ${recovered.retiredKeyFile}.`;
      yield* rotationAdvice("whoever has the old key", recovered.secrets);
    });
  }
}
