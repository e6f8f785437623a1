import { printableJson } from "@agent-vault/vault/read-only";
import type { AuditEntry } from "./entry.js";

const COLUMNS = [
  "id",
  "time",
  "action",
  "outcome",
  "who",
  "identity",
  "harness",
  "secrets",
  "command",
  "folder",
  "repository",
  "branch",
  "exit_code",
  "reason",
  "completed",
  "hash",
  "request",
  "used",
  "machine",
  "proven",
] as const;

/** An entry as one flat object. */
export type FlatEntry = Record<(typeof COLUMNS)[number], string | number | boolean | readonly string[] | undefined>;

/** An entry as one flat object, for printing: how it ended takes the place of how it began. */
export function flatten(entry: AuditEntry): FlatEntry {
  const { completion } = entry;
  return {
    id: entry.id,
    time: entry.time,
    action: entry.action,
    outcome: completion?.outcome ?? entry.outcome,
    who: entry.who,
    identity: entry.identity,
    harness: entry.harness,
    secrets: entry.secrets,
    command: completion?.command ?? entry.command,
    folder: entry.folder,
    repository: entry.repository,
    branch: entry.branch,
    exit_code: completion?.exitCode ?? entry.exitCode,
    reason: [entry.reason, completion?.reason].filter((reason) => reason !== undefined).join(" ") || undefined,
    completed: completion?.time,
    hash: entry.hash,
    request: completion?.request ?? entry.request,
    // Of a row that was taken in from a spool: when it was written, where, and whether its writer is proved.
    used: entry.source?.time,
    machine: entry.source?.machine,
    proven: entry.source?.proven,
  };
}

/** Entries as comma-separated values (RFC 4180), a line each, after one with the names of the columns. */
export function* csvLines(entries: Iterable<AuditEntry>, header = true): Generator<string> {
  if (header) yield COLUMNS.join(",");
  for (const entry of entries) {
    const flat = flatten(entry);
    yield COLUMNS.map((column) => cell(flat[column])).join(",");
  }
}

/**
 * Some of these texts can be chosen by an agent: one that a spreadsheet would take for a formula gets a quotation mark before it, and what
 * would act on a terminal is written out.
 */
function cell(value: FlatEntry[keyof FlatEntry]): string {
  if (value === undefined) return "";
  const text = printableJson(typeof value === "object" ? JSON.stringify(value) : String(value));
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
