import { VaultError } from "../errors.js";
import { EVENT_FIELDS, type AuditEvent, type Outcome } from "../record/audit-event.js";

/** A row of the audit log as it is before a ledger takes it in. */
export interface SpoolRow {
  /** RFC 3339, UTC, milliseconds: the writer's own clock. */
  readonly time: string;
  /** The row that this one completes, as {@link rowReference} names it. */
  readonly completes?: string | undefined;
  /** Tidied, as `tidyEvent` does. */
  readonly event: AuditEvent;
}

const VERSION = 1;
const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(["started", "done", "denied", "failed"]);

/** Names a row beyond its segment. @param line its line, from 2 */
export function rowReference(segment: string, line: number): string {
  return `${segment}:${line}`;
}

/** One line of JSON: an array of the version and the row's fields in this order, `null` for what is absent. */
export function formatSpoolRow({ time, completes, event }: SpoolRow): string {
  return JSON.stringify([VERSION, time, completes ?? null, ...EVENT_FIELDS.map((field) => event[field] ?? null)]);
}

/** Reads what {@link formatSpoolRow} wrote. @returns `undefined` where it is no row @throws VaultError `LEDGER_NEWER` for one of a later version */
export function parseSpoolRow(text: string): SpoolRow | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || !Number.isSafeInteger(fields[0])) return undefined;
  if (fields[0] !== VERSION) throw newerSpool();
  const [, time, completes, ...values] = fields as unknown[];
  const given = Object.fromEntries(EVENT_FIELDS.map((field, index) => [field, values[index]]));
  const { action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exitCode, reason, request } = given;
  const isRow =
    typeof time === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time) &&
    typeof action === "string" &&
    OUTCOMES.has(outcome) &&
    [completes, who, identity, harness, folder, repository, branch, reason].every(isText) &&
    [secrets, command, request].every(isList) &&
    (exitCode === null || Number.isSafeInteger(exitCode));
  if (!isRow) return undefined;
  const event = Object.fromEntries(Object.entries(given).map(([field, value]) => [field, value ?? undefined])) as unknown as AuditEvent;
  return { time, completes: (completes ?? undefined) as string | undefined, event };
}

/** `LEDGER_NEWER`, for a spool of a later version. */
export function newerSpool(): VaultError {
  return new VaultError("LEDGER_NEWER", "The spool was written by a newer agent-vault.", {
    remedy: "Use that version, or a newer one (agent-vault --version), to take it in.",
  });
}

function isText(value: unknown): boolean {
  return value === null || typeof value === "string";
}

function isList(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.every((item) => typeof item === "string"));
}
