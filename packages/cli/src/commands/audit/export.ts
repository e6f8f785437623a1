import { Flags } from "@oclif/core";
import { flatten, openAuditLedger } from "@agent-vault/ledger";
import { printableJson, VaultError, vaultIdIn, VaultFolder } from "@agent-vault/vault";
import { auditFilter, auditFilterFlags } from "../../flags/audit-filter.js";
import { keyChoice } from "../../flags/key-choice.js";
import { formatEntries } from "../../audit-entries.js";
import { writeOut } from "../../terminal/standard-output.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AuditExport extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Export the audit log";
  static override needsPerson = "never" as const;
  static override description =
    "Prints one JSON object per line, or sends the entries to an OpenTelemetry collector (OTLP over HTTP). Prints on standard error where to continue next time.";
  static override examples = [
    "agent-vault audit export --after 1200 >> audit.jsonl",
    "agent-vault audit export --otlp https://collector.example/v1/logs",
  ];
  static override flags = {
    key: keyFlag,
    ...auditFilterFlags,
    after: Flags.integer({ description: "only entries after this one, by its number", min: 0, helpValue: "N" }),
    otlp: Flags.string({
      description: "send the entries to this URL; set credentials in OTEL_EXPORTER_OTLP_HEADERS",
      helpValue: "URL",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditExport);
    const { after, otlp, key, ...filter } = flags;
    const url = otlp === undefined ? undefined : requireUrl(otlp);
    const root = await this.findVault();
    const ledger = await openAuditLedger(this.context, root, keyChoice(key));
    const { rows, machine } = await ledger.audit.head();
    const entries = await ledger.audit.list({ ...auditFilter(this.context, filter), after });
    if (url === undefined) {
      await writeOut(Buffer.from(entries.map((entry) => `${printableJson(JSON.stringify(flatten(entry)))}\n`).join("")));
      this.context.note?.(`Exported ${formatEntries(entries.length)}. Continue with --after ${rows}.`);
      return;
    }
    const { sendEntries } = await import("@agent-vault/ledger/otlp");
    const sent = await sendEntries(entries, { url, machine, vault: vaultIdIn(new VaultFolder(root)) ?? "" });
    this.print({ sent, rows }, () => [`Sent ${formatEntries(sent)}. Continue with --after ${rows}.`]);
  }
}

function requireUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new VaultError("USAGE", "--otlp takes the URL of a log collector.", {
    remedy: "Use a URL such as https://collector.example/v1/logs.",
  });
}
