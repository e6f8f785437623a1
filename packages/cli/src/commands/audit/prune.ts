import { Flags } from "@oclif/core";
import { openLedger } from "@agent-vault/ledger";
import { availableOwner, parseTime } from "@agent-vault/vault";
import { formatEntries } from "../../audit-entries.js";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AuditPrune extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Delete the oldest entries of the audit log";
  static override needsPerson = "signs" as const;
  static override description = "Signs what is deleted, so that the rest still verifies. Deleted entries cannot be restored.";
  static override examples = ["agent-vault audit export > audit-2026.jsonl && agent-vault audit prune --before 2027-01-01"];
  static override flags = {
    key: keyFlag,
    before: Flags.string({
      description: "delete entries older than this: a date, a time, or an age such as 365d",
      required: true,
      helpValue: "WHEN",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditPrune);
    const root = await this.findVault();
    const before = parseTime(flags.before, this.context.now(), "ago");
    const { name, signingKey, ...owner } = await availableOwner(this.context, root, keyChoice(flags.key));
    const ledger = await openLedger(this.context, { root, ...owner });
    const { cut, rows } = await ledger.audit.prune(before, signingKey, name);
    this.print({ cut, rows }, () => [
      cut === 0 ? "There are no entries that old." : `Deleted ${formatEntries(cut)} from before ${before.toISOString()}.`,
    ]);
  }
}
