import type { Connection, Row } from "../database/connection.js";
import { filterConditions, type AuditFilter } from "./filter.js";
import { readList, readRow, type AuditRow, type Outcome } from "../database/audit-row.js";

/** A use with what became of it. */
export interface AuditEntry extends AuditRow {
  /** How it ended; absent where nobody has said so yet, or where it was over at once. */
  readonly completion: Pick<AuditRow, "id" | "time" | "outcome" | "exitCode" | "reason" | "command" | "request"> | undefined;
}

/** The entries that fit, oldest first. @throws VaultError `LEDGER_DAMAGED` */
export function findEntries(connection: Connection, filter: AuditFilter): AuditEntry[] {
  const { conditions, values } = filterConditions(filter);
  const limit = filter.last === undefined ? "" : `LIMIT ${Math.max(0, Math.trunc(filter.last))}`;
  const sql = `
    SELECT a.*, c.id AS c_id, c.time AS c_time, c.outcome AS c_outcome, c.exit_code AS c_exit_code, c.reason AS c_reason, c.command AS c_command, c.request AS c_request
    FROM audit a LEFT JOIN audit c ON c.completes = a.id
    WHERE ${["a.completes IS NULL", ...conditions].join(" AND ")} ORDER BY a.id DESC ${limit}`;
  return connection
    .all(sql, ...values)
    .map(readEntry)
    .toReversed();
}

function readEntry(row: Row): AuditEntry {
  const completion = row["c_id"] === null ? undefined : readCompletion(row);
  return { ...readRow(row), completion };
}

function readCompletion(row: Row): NonNullable<AuditEntry["completion"]> {
  return {
    id: Number(row["c_id"]),
    time: String(row["c_time"]),
    outcome: row["c_outcome"] as Outcome,
    exitCode: (row["c_exit_code"] as number | null) ?? undefined,
    reason: (row["c_reason"] as string | null) ?? undefined,
    command: readList(row, "c_command"),
    request: readList(row, "c_request"),
  };
}
