import { revoke, plural } from "@agent-vault/vault";
import { rotationAdvice } from "../findings/rotation-advice.js";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class Revoke extends VaultCommand {
  static override id = "revoke";
  static override description = "Take a group, or one secret, from an agent; what it could read is encrypted anew.";
  static override args = {
    agent: word({ description: "the agent's name", required: true }),
    target: word({ description: "a group, or a secret as group/name", required: true }),
  };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Revoke);
    const revoked = await revoke(this.context, { ...(await this.change(flags)), ...args });
    this.print(revoked, function* () {
      const verb = flags["dry-run"] ? "would lose" : "lost";
      if (revoked.secrets.length === 0) yield `${revoked.agent} ${flags["dry-run"] ? "would lose" : "loses"} no secret by this.`;
      else yield `${revoked.agent} ${verb} ${plural(revoked.secrets.length, "secret")}.`;
      for (const { secret, groups } of revoked.stillRead) yield `It still reads ${secret}, by ${groups.join(", ")}.`;
      yield* rotationAdvice(revoked.agent, revoked.secrets);
    });
  }
}
