import process from "node:process";
import { Flags } from "@oclif/core";
import { csvLines, flatten, followEntries, openAuditLedger, type AuditEntry } from "@agent-vault/ledger";
import { auditFilter, auditFilterFlags } from "../flags/audit-filter.js";
import { keyChoice } from "../flags/key-choice.js";
import { writeOut } from "../terminal/standard-output.js";
import { table } from "../terminal/table.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";
import { printable, printableJson, VaultError, andMore } from "@agent-vault/vault";

const HEADINGS = ["TIME", "WHO", "ACTION", "SECRETS", "OUTCOME", "DETAILS"];

export default class Audit extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Show who used or changed what on this machine";
  static override needsPerson = "never" as const;
  static override description = "The audit log is encrypted. It opens with the key of any owner or agent of this machine.";
  static override examples = [
    "agent-vault audit --last 20",
    "agent-vault audit --secret stripe/api-key --since 30d",
    "agent-vault audit --outcome denied --json",
    "agent-vault audit --follow",
  ];
  static override flags = {
    key: keyFlag,
    last: Flags.integer({
      description: "show at most the N newest entries (default: 50, or all that match other flags)",
      min: 1,
      helpValue: "N",
    }),
    ...auditFilterFlags,
    csv: Flags.boolean({ description: "print CSV", exclusive: ["json"] }),
    follow: Flags.boolean({ description: "keep printing new entries until interrupted" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Audit);
    const filter = auditFilter(this.context, flags);
    const isChosen = Object.values(filter).some((value) => value !== undefined);
    const last = flags.last ?? (isChosen ? undefined : 50);
    const ledger = await openAuditLedger(this.context, await this.findVault(), keyChoice(flags.key));
    if (!flags.follow) {
      const entries = await ledger.audit.list({ ...filter, last });
      if (flags.csv) return writeOut(Buffer.from([...csvLines(entries)].map((line) => `${line}\r\n`).join("")));
      return this.print(entries.map(flatten), () => table(HEADINGS, entries.map(rowOf), "No matching entries."));
    }
    if (filter.until) throw new VaultError("USAGE", "--follow and --until cannot be used together.", { remedy: "Leave out one of them." });
    let isFirst = true;
    for await (const entry of followEntries(ledger.audit, { ...filter, last: last ?? 10 })) {
      if (flags.json) process.stdout.write(`${printableJson(JSON.stringify(flatten(entry)))}\n`);
      else if (flags.csv) for (const line of csvLines([entry], isFirst)) process.stdout.write(`${line}\r\n`);
      else process.stdout.write(`${rowOf(entry).map(printable).join("  ")}\n`);
      isFirst = false;
    }
  }
}

function rowOf(entry: AuditEntry): string[] {
  const { time, used, machine, who, identity, action, outcome, secrets, harness, branch, exit_code } = flatten(entry) as Record<
    string,
    string | undefined
  >;
  const details = [
    (entry.completion?.command ?? entry.command)?.join(" "),
    entry.completion?.reason ?? entry.reason,
    exit_code !== undefined && `exit code ${exit_code}`,
    branch !== undefined && `on ${branch}`,
    harness !== undefined && `probably by ${harness}`,
    machine !== undefined && `on ${machine}${entry.source?.proven ? "" : ", not proven"}`,
  ];
  const some = (secrets as unknown as readonly string[] | undefined) ?? [];
  return [
    (used ?? time)!.slice(0, 19).replace("T", " "),
    who ?? (identity ? `${identity.slice(0, 12)}…` : "-"),
    action!,
    andMore(some, 3) || "-",
    outcome!,
    details.filter(Boolean).join("; "),
  ];
}
