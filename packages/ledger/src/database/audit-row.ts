import { digestOf, tidyEvent, VaultError, type AuditEvent, type Digest, type Outcome } from "@agent-vault/vault/read-only";
import type { Connection, Row } from "./connection.js";

export type { AuditEvent, Outcome } from "@agent-vault/vault/read-only";

/** Where a row was before it was taken into this log. */
export interface RowSource {
  readonly segment: string;
  /** Its line in the segment, from 2. */
  readonly line: number;
  /** The home folder that it was written in, by its own name. */
  readonly machine: string;
  /** When, by the writer's clock. RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** Whether its writer has proved to have the identity that it names. */
  readonly proven: boolean;
}

/** A row of the log: an event, or the completion of an earlier one. */
export interface AuditRow extends AuditEvent {
  /** From 1, without a gap. */
  readonly id: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** The row that this one completes. */
  readonly completes: number | undefined;
  /** For a row that was taken in from a spool, whose `time` is that of taking it in. */
  readonly source: RowSource | undefined;
  /** The hash of the row before. */
  readonly previous: Digest;
  readonly hash: Digest;
}

/** The end of a log: the number of rows that it has ever had, and the hash of the last. */
export interface AuditHead {
  readonly rows: number;
  readonly head: Digest;
}

/** What the first row follows. */
export function genesis(vault: string, machine: string): Digest {
  return digestOf(`agent-vault audit log\nvault: ${vault}\nmachine: ${machine}\n`);
}

/**
 * A row's hash: the SHA-256 of one line of JSON, an array of its fields in this order, `null` for what is absent. It begins with 2 where the
 * row has a request, which then comes last; with 3 where it was taken in, its request and its source last; and with 1 in all other rows.
 */
export function hashOf(row: Omit<AuditRow, "hash">): Digest {
  const { id, previous, time, action, outcome, who, identity, harness, secrets, command, folder, repository, branch } = row;
  const { exitCode, reason, completes, request, source } = row;
  const use = [action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exitCode, reason, completes];
  const fields = [id, previous, time, ...use.map((field) => field ?? null)];
  if (source) return digestOf(JSON.stringify([3, ...fields, request ?? null, sourceList(source)]));
  return digestOf(JSON.stringify(request === undefined ? [1, ...fields] : [2, ...fields, request]));
}

/** The machine whose log this is. */
export function machineOf(connection: Connection): string {
  return String(connection.get("SELECT value FROM setting WHERE name = 'machine'")!["value"]);
}

/** @param vault the vault's id */
export function headOf(connection: Connection, vault: string): AuditHead {
  const last =
    connection.get("SELECT id AS rows, hash AS head FROM audit ORDER BY id DESC LIMIT 1") ??
    connection.get("SELECT rows, head FROM checkpoint ORDER BY rows DESC LIMIT 1");
  if (last) return { rows: Number(last["rows"]), head: last["head"] as Digest };
  return { rows: 0, head: genesis(vault, machineOf(connection)) };
}

/** Appends a row, in a transaction of the caller's. */
export function append(connection: Connection, vault: string, now: Date, event: AuditEvent, completes?: number): AuditRow {
  return appendAfter(connection, headOf(connection, vault), now, event, { completes });
}

/** As {@link append}, where the end of the log is known. */
export function appendAfter(
  connection: Connection,
  { rows, head }: AuditHead,
  now: Date,
  event: AuditEvent,
  { completes, source }: Partial<Pick<AuditRow, "completes" | "source">>,
): AuditRow {
  const fields = { ...tidyEvent(event), id: rows + 1, time: now.toISOString(), completes, source, previous: head };
  const row: AuditRow = { ...fields, hash: hashOf(fields) };
  const { secrets, command, request, exitCode, source: from, ...columns } = row;
  connection.insert("audit", {
    ...columns,
    secrets: secrets && JSON.stringify(secrets),
    command: command && JSON.stringify(command),
    ...(request && { request: JSON.stringify(request) }),
    exit_code: exitCode,
    ...(from && { source: JSON.stringify(sourceList(from)) }),
  });
  for (const secret of new Set(row.secrets)) connection.insert("audit_secret", { secret, event: row.id });
  return row;
}

/** Reads a row of the table. @throws VaultError `LEDGER_DAMAGED` where one of its lists is not a list */
export function readRow(row: Row): AuditRow {
  const text = (name: string) => (row[name] as string | null) ?? undefined;
  const count = (name: string) => (row[name] as number | null) ?? undefined;
  return {
    id: Number(row["id"]),
    time: String(row["time"]),
    action: String(row["action"]),
    outcome: row["outcome"] as Outcome,
    who: text("who"),
    identity: text("identity"),
    harness: text("harness"),
    secrets: readList(row, "secrets"),
    command: readList(row, "command"),
    request: readList(row, "request"),
    folder: text("folder"),
    repository: text("repository"),
    branch: text("branch"),
    exitCode: count("exit_code"),
    reason: text("reason"),
    completes: count("completes"),
    source: readSource(row),
    previous: row["previous"] as Digest,
    hash: row["hash"] as Digest,
  };
}

/** As it is hashed and stored. */
function sourceList({ segment, line, machine, time, proven }: RowSource): readonly (string | number)[] {
  return [segment, line, machine, time, proven ? 1 : 0];
}

function readSource(row: Row): RowSource | undefined {
  const text = row["source"];
  if (text === null || text === undefined) return undefined;
  try {
    const [segment, line, machine, time, proven] = JSON.parse(String(text)) as [string, number, string, string, number];
    return { segment, line, machine, time, proven: proven === 1 };
  } catch {
    return { segment: "", line: 0, machine: "", time: "", proven: false };
  }
}

/** A list of texts in a column. @throws VaultError `LEDGER_DAMAGED` where it is not one */
export function readList(row: Row, name: string): string[] | undefined {
  const text = row[name];
  if (text === null || text === undefined) return undefined;
  try {
    const list: unknown = JSON.parse(String(text));
    if (Array.isArray(list) && list.every((word) => typeof word === "string")) return list;
  } catch {
    // Not JSON: damaged as well.
  }
  throw new VaultError("LEDGER_DAMAGED", `Row ${row["id"]} of the audit log was changed: its ${name.replace(/^c_/, "")} is not a list.`, {
    remedy: "Run agent-vault audit verify to see what else was changed.",
  });
}
