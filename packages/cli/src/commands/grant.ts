import { grant, plural } from "@agent-vault/vault";
import { agentArgument, argument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Grant extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 4;
  static override summary = "Let an agent read a group or a secret";
  static override needsPerson = "signs" as const;
  static override examples = ["agent-vault grant billing-agent stripe", "agent-vault grant billing-agent postgres/prod/password --dry-run"];
  static override args = {
    agent: agentArgument,
    target: argument({ description: "a group, or a secret as group/name", required: true }),
  };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };
  static override completes = { agent: "agents", target: "targets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Grant);
    const granted = await grant(this.context, { ...(await this.change(flags)), ...args });
    this.print(granted, function* () {
      if (granted.already) return yield `${granted.agent} already has access to ${args.target}. Nothing changed.`;
      if (granted.secrets.length === 0)
        return yield `${granted.agent} ${flags["dry-run"] ? "would have" : "has"} access to ${args.target}, which adds no secret that it could not read before.`;
      const count = plural(granted.secrets.length, "secret");
      yield flags["dry-run"] ? `Would let ${granted.agent} read ${count}:` : `${granted.agent} can now read ${count}:`;
      for (const secret of granted.secrets) yield `  ${secret}`;
    });
  }
}
