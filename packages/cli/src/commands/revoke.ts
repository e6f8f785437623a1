import { revoke, plural } from "@agent-vault/vault";
import { rotationAdvice } from "../advice/rotation.js";
import { agentArgument, argument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Revoke extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 8;
  static override summary = "Take a group or a secret away from an agent";
  static override needsPerson = "signs" as const;
  static override description = "Everything that the agent can no longer read is re-encrypted.";
  static override args = {
    agent: agentArgument,
    target: argument({ description: "a group, or a secret as group/name", required: true }),
  };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };
  static override completes = { agent: "agents", target: "targets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Revoke);
    const revoked = await revoke(this.context, { ...(await this.change(flags)), ...args });
    this.print(revoked, function* () {
      const verb = flags["dry-run"] ? "would lose" : "lost";
      if (revoked.secrets.length === 0) yield `${revoked.agent} ${flags["dry-run"] ? "would lose" : "lost"} access to no secret.`;
      else yield `${revoked.agent} ${verb} access to ${plural(revoked.secrets.length, "secret")}.`;
      for (const { secret, groups } of revoked.stillRead) yield `It can still read ${secret} through ${groups.join(", ")}.`;
      yield* rotationAdvice(revoked.agent, revoked.secrets);
    });
  }
}
