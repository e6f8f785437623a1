import { anchorRecord } from "@agent-vault/vault";
import { keyFlag, VaultCommand } from "../../vault-command.js";

export default class AuditAnchor extends VaultCommand {
  static override id = "audit anchor";
  static override description =
    "Sign, as an owner, where the audit log of this machine stands. Every change of the vault does so too; from then on rows that are missing or made anew show.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(AuditAnchor);
    const { sequence, machine, rows } = await anchorRecord(this.context, await this.change(flags));
    this.print({ sequence, machine, rows }, () => [`Signed for ${rows} rows of machine ${machine}, in state ${sequence} of the vault.`]);
  }
}
