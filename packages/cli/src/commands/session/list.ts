import { currentSession, openAuthority } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { table } from "../../terminal/table.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class SessionList extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "List active sessions";
  static override needsPerson = "never" as const;
  static override description = "Lists the sessions of this vault on this machine. * marks the current one.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(SessionList);
    const { ledger } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "list sessions");
    const current = await currentSession(this.context, ledger.sessions);
    const sessions = await ledger.sessions.list();
    const json = sessions.map(({ id, name, harness, parent, started, expires }) => {
      return { id, name, harness, parent, started, expires, current: id === current?.id };
    });
    this.print(json, () =>
      table(
        ["SESSION", "CURRENT", "UNTIL", "NAME", "STARTED BY", "ENDS WITH PROCESS"],
        sessions.map(({ id, expires, name, harness, parent }) => [
          id,
          id === current?.id ? "*" : "",
          `${expires.toISOString().slice(0, 16)}Z`,
          name ?? "-",
          harness ?? "-",
          parent === undefined ? "-" : String(parent),
        ]),
        "No active sessions. Start one with agent-vault session start.",
      ),
    );
  }
}
