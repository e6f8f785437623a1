import { listAgents } from "@agent-vault/vault";
import { table } from "../terminal/table.js";
import { VaultCommand } from "../vault-command.js";

export default class ListAgents extends VaultCommand {
  static override helpGroup = "agents" as const;
  static override summary = "List agents and what they can read";
  static override needsPerson = "never" as const;
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    await this.parseCommandLine(ListAgents);
    const agents = listAgents(await this.openState());
    // agent-vault 0.1 has the field `name`.
    const rows = agents.map((agent) => ({ name: agent.agent, ...agent }));
    this.print(rows, () =>
      table(
        ["AGENT", "GROUPS", "SECRETS", "BEYOND ITS GROUPS"],
        agents.map(({ agent, groups, secrets, extra }) => [agent, groups.join(", ") || "-", String(secrets), extra.join(", ") || "-"]),
        "No agents yet. Add one with agent-vault add-agent NAME.",
      ),
    );
  }
}
