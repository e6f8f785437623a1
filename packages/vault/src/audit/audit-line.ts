import { EVENT_FIELDS } from "../record/audit-event.js";
import type { SpoolRow } from "../spool/spool-row.js";

/** A row that leaves this machine's home: with its name, and its vault's. */
export interface NamedRow extends SpoolRow {
  readonly id: string;
  /** The vault's id. */
  readonly vault: string;
}

/** The fields of a row by their names, in this order, without those that are absent. */
export function auditFields({ id, vault, time, completes, event }: NamedRow): Record<string, string | number | readonly string[]> {
  const ofEvent = EVENT_FIELDS.map((field) => [field === "exitCode" ? "exit_code" : field, event[field]] as const);
  const fields = [...Object.entries({ id, vault, time, completes }), ...ofEvent].filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as Record<string, string | number | readonly string[]>;
}

/** A row as a line of JSON, with its line feed. */
export function auditLine(row: NamedRow): string {
  return `${JSON.stringify(auditFields(row))}\n`;
}

/** A row as the body of an OTLP request (OpenTelemetry Protocol 1, logs, JSON encoding). */
export function otlpBody(row: NamedRow): string {
  const { vault, time, event } = row;
  const isRefusal = event.outcome === "denied" || event.outcome === "failed";
  const { vault: _, ...fields } = auditFields(row);
  const record = {
    timeUnixNano: `${Date.parse(time)}000000`,
    severityNumber: isRefusal ? 13 : 9,
    severityText: isRefusal ? "WARN" : "INFO",
    eventName: "agent_vault.audit",
    body: { stringValue: `${[event.who ?? "unknown", event.action, ...(event.secrets ?? [])].join(" ")}: ${event.outcome}` },
    attributes: Object.entries(fields).map(([name, value]) => ({ key: `agent_vault.${name}`, value: otlpValue(value) })),
  };
  const attributes = [
    { key: "service.name", value: { stringValue: "agent-vault" } },
    { key: "agent_vault.vault", value: { stringValue: vault } },
  ];
  return JSON.stringify({
    resourceLogs: [{ resource: { attributes }, scopeLogs: [{ scope: { name: "agent-vault.audit" }, logRecords: [record] }] }],
  });
}

function otlpValue(value: string | number | readonly string[]): object {
  if (typeof value === "string") return { stringValue: value };
  // 64-bit integers are strings in the JSON encoding.
  if (typeof value === "number") return { intValue: String(value) };
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}
