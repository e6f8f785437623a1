import { openAuthority } from "@agent-vault/runner";
import { keyChoice } from "../flags/key-choice.js";
import { table } from "../terminal/table.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Leases extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "List active leases";
  static override needsPerson = "never" as const;
  static override description = "Shows who leased which secret and until when, on this machine.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Leases);
    const { ledger } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "list leases");
    const leases = await ledger.leases.list();
    this.print(leases, () =>
      table(
        ["LEASE", "SECRET", "HOLDER", "UNTIL"],
        leases.map(({ id, secret, holder, expires }) => [id, secret, holder ?? "-", `${expires.toISOString().slice(0, 16)}Z`]),
        "No active leases.",
      ),
    );
  }
}
