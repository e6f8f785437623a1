import { Flags } from "@oclif/core";
import { listSecrets } from "@agent-vault/vault";
import { table } from "../table.js";
import { VaultCommand } from "../vault-command.js";

export default class List extends VaultCommand {
  static override id = "list";
  static override description = "List the vault's secrets and who reads them, never their values.";
  static override flags = { group: Flags.string({ description: "only the secrets that this group lists" }) };

  async run(): Promise<void> {
    const { flags } = await this.words(List);
    const secrets = listSecrets(await this.openState(), flags.group);
    const json = secrets.map(({ secret, groups, agents, metadata }) => ({ ...metadata, name: secret, groups, agents }));
    this.print(json, () =>
      table(
        ["SECRET", "GROUPS", "AGENTS", "EXPIRES"],
        secrets.map(({ secret, groups, agents, metadata }) => [
          secret,
          groups.join(", ") || "-",
          agents.join(", ") || "-",
          metadata?.expires?.slice(0, 10) ?? "-",
        ]),
        flags.group === undefined ? "No secrets yet. Store one with agent-vault set group/name." : `Group ${flags.group} lists no secrets.`,
      ),
    );
  }
}
