import { anchorRecord, plural } from "@agent-vault/vault";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AuditAnchor extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Sign the current end of the audit log";
  static override needsPerson = "signs" as const;
  static override description =
    "Rows that are removed or rewritten later can then be detected. Every change of the vault signs the log as well.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditAnchor);
    const { sequence, machine, rows } = await anchorRecord(this.context, await this.change(flags));
    this.print({ sequence, machine, rows }, () => [
      `Signed ${plural(rows, "row")} of machine ${machine} in state ${sequence} of the vault.`,
    ]);
  }
}
