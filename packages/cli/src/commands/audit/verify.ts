import process from "node:process";
import { openAuditLedger } from "@agent-vault/ledger";
import { exitCodeOf, openVault } from "@agent-vault/vault";
import { formatEntries } from "../../audit-entries.js";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AuditVerify extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Verify the audit log";
  static override needsPerson = "never" as const;
  static override description =
    "Follows the chain of entries from the first to the last, and compares it with what an owner signed. Exits with 5 if they do not match.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditVerify);
    const root = await this.findVault();
    const key = keyChoice(flags.key);
    const { trusted: signed } = await openVault(this.context, root, "everything", { key });
    const ledger = await openAuditLedger(this.context, root, key);
    const report = await ledger.audit.verifyChain(signed?.lock.audit ?? new Map(), signed?.lock.owners.map((owner) => owner.key) ?? []);
    this.print(report, function* () {
      const { rows, cut, anchored, findings, clockWentBack } = report;
      const kept = cut === 0 ? formatEntries(rows) : `${formatEntries(rows)}, the first ${cut} of them deleted`;
      yield `The audit log of machine ${report.machine} has ${kept}. ${report.holds ? "It is intact." : "It was changed:"}`;
      for (const { message, shownBy } of findings)
        yield `  ${message} (${shownBy === "chain" ? "shown by the chain" : "shown only by the owner's signature"})`;
      if (clockWentBack.length > 0) yield `The clock was set back before entry ${clockWentBack.slice(0, 5).join(", ")}, which is harmless.`;
      if (anchored === rows) yield "An owner has signed all of it.";
      else if (anchored > 0)
        yield `An owner has signed entries 1 to ${anchored}. The next change signs the rest, or agent-vault audit anchor.`;
      else
        yield "No owner has signed any of it yet, so someone with its key could have rewritten it. Sign it with agent-vault audit anchor.";
    });
    if (!report.holds) process.exitCode = exitCodeOf("LEDGER_DAMAGED");
  }
}
