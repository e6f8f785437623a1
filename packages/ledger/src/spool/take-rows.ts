import { rowReference, type SegmentRow } from "@agent-vault/vault";
import { appendAfter, append, headOf, type AuditHead, type RowSource } from "../database/audit-row.js";
import type { Connection } from "../database/connection.js";

/** Where a segment comes from. */
export interface SegmentOrigin {
  readonly segment: string;
  readonly machine: string;
  /** The recipient of the identity that its writer says it used. */
  readonly identity: string;
  /** Who wrote it, where that is proved; the vault may know the identity by no name. */
  readonly writer: { readonly name: string | undefined } | undefined;
}

/**
 * Appends rows of a segment, in a transaction of the caller's that also notes how far the segment was taken: so each row is taken once,
 * whatever happens to the process or the segment.
 * @returns how many were new
 */
export function takeRows(connection: Connection, vault: string, now: Date, origin: SegmentOrigin, rows: readonly SegmentRow[]): number {
  const { segment, machine } = origin;
  const known = connection.get("SELECT lines FROM spool_segment WHERE segment = ?", segment);
  const fresh = rows.filter(({ line }) => line > Number(known?.["lines"] ?? 1));
  if (fresh.length === 0) return 0;
  let head: AuditHead = headOf(connection, vault);
  for (const { line, row } of fresh) {
    const { time, event, completes } = row;
    const source: RowSource = { segment, line, machine, time, proven: isProven(origin, event) };
    const started = completes === undefined ? undefined : takeStarted(connection, completes);
    const { id, hash } = appendAfter(connection, head, now, event, { completes: started, source });
    head = { rows: id, head: hash };
    if (event.outcome === "started") connection.insert("spool_started", { reference: rowReference(segment, line), event: id });
  }
  connection.run(
    "INSERT INTO spool_segment (segment, lines) VALUES (?, ?) ON CONFLICT (segment) DO UPDATE SET lines = excluded.lines",
    segment,
    fresh.at(-1)!.line,
  );
  return fresh.length;
}

/** Records once that a segment was changed, in a transaction of the caller's. */
export function recordDamage(connection: Connection, vault: string, now: Date, { segment, machine }: SegmentOrigin, what: string): void {
  const isNew =
    connection.run("INSERT INTO spool_segment (segment, lines, damaged) VALUES (?, 1, 1) ON CONFLICT (segment) DO NOTHING", segment) > 0 ||
    connection.run("UPDATE spool_segment SET damaged = 1 WHERE segment = ? AND damaged = 0", segment) > 0;
  if (isNew) append(connection, vault, now, { action: "audit", outcome: "failed", reason: `${what} It was written on ${machine}.` });
}

/** Only what names the identity that the segment's writer has proved is proved. */
function isProven({ identity, writer }: SegmentOrigin, event: SegmentRow["row"]["event"]): boolean {
  return writer !== undefined && event.identity === identity && event.who === writer.name;
}

/** The use that a row completes, which can be completed once. */
function takeStarted(connection: Connection, reference: string): number | undefined {
  const started = connection.get("SELECT event FROM spool_started WHERE reference = ?", reference);
  if (!started) return undefined;
  connection.run("DELETE FROM spool_started WHERE reference = ?", reference);
  return Number(started["event"]);
}
