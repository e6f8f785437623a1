import { digestOf, VaultError, type Digest } from "@agent-vault/vault/read-only";
import type { Connection, Row } from "./connection.js";

/** `started` waits for its completion; the others say how it ended. */
export type Outcome = "started" | "done" | "denied" | "failed";

/** What was done, or was refused. No field ever holds a secret's value. */
export interface AuditEvent {
  /** A command or operation: `get`, `run`, `grant`. */
  readonly action: string;
  readonly outcome: Outcome;
  /** The owner's or agent's name. */
  readonly who?: string | undefined;
  /** The fingerprint of the identity, or the id of the token. */
  readonly identity?: string | undefined;
  /** The coding agent that seems to have started it. */
  readonly harness?: string | undefined;
  /** `group/name`, as secrets are shown. */
  readonly secrets?: readonly string[] | undefined;
  /** The program and its arguments, any secret value in them redacted. */
  readonly command?: readonly string[] | undefined;
  /** What the asker decided beside the secrets and the command, a text each, any secret value in them redacted. */
  readonly request?: readonly string[] | undefined;
  readonly folder?: string | undefined;
  readonly repository?: string | undefined;
  readonly branch?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** A row of the log: an event, or the completion of an earlier one. */
export interface AuditRow extends AuditEvent {
  /** From 1, without a gap. */
  readonly id: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** The row that this one completes. */
  readonly completes: number | undefined;
  /** The hash of the row before. */
  readonly previous: Digest;
  readonly hash: Digest;
}

/** The end of a log: the number of rows that it has ever had, and the hash of the last. */
export interface AuditHead {
  readonly rows: number;
  readonly head: Digest;
}

/** Limits of one field, so that nobody fills the disk: characters of a text, texts of a list. */
const MAX_TEXT_LENGTH = 4096;
const MAX_LIST_LENGTH = 200;

/** What the first row follows. */
export function genesis(vault: string, machine: string): Digest {
  return digestOf(`agent-vault audit log\nvault: ${vault}\nmachine: ${machine}\n`);
}

/**
 * A row's hash: the SHA-256 of one line of JSON, an array of its fields in this order, `null` for what is absent. It begins with 2 where the row has a
 * request, which then comes last, and with 1 in all other rows, as in those from before there was one.
 */
export function hashOf(row: Omit<AuditRow, "hash">): Digest {
  const { id, previous, time, action, outcome, who, identity, harness, secrets, command, folder, repository, branch } = row;
  const { exitCode, reason, completes, request } = row;
  const use = [action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exitCode, reason, completes];
  const version = request === undefined ? 1 : 2;
  const fields = [version, id, previous, time, ...use.map((field) => field ?? null), ...(request === undefined ? [] : [request])];
  return digestOf(JSON.stringify(fields));
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
  const { rows, head } = headOf(connection, vault);
  const fields = { ...tidy(event), id: rows + 1, time: now.toISOString(), completes, previous: head };
  const row: AuditRow = { ...fields, hash: hashOf(fields) };
  const { secrets, command, request, exitCode, ...columns } = row;
  connection.insert("audit", {
    ...columns,
    secrets: secrets && JSON.stringify(secrets),
    command: command && JSON.stringify(command),
    ...(request && { request: JSON.stringify(request) }),
    exit_code: exitCode,
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
    previous: row["previous"] as Digest,
    hash: row["hash"] as Digest,
  };
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

/** An event as it comes back from the database: whole characters, and within the limits. */
function tidy(event: AuditEvent): AuditEvent {
  const text = (value: string | undefined) => {
    const whole = value === undefined ? undefined : wellFormed(value);
    return whole !== undefined && whole.length > MAX_TEXT_LENGTH
      ? `${wellFormed(whole.slice(0, MAX_TEXT_LENGTH))} [${whole.length - MAX_TEXT_LENGTH} more characters]`
      : whole;
  };
  const list = (values: readonly string[] | undefined) => {
    const all = values?.map((value) => text(value)!);
    return all && all.length > MAX_LIST_LENGTH ? [...all.slice(0, MAX_LIST_LENGTH), `[${all.length - MAX_LIST_LENGTH} more]`] : all;
  };
  return {
    action: text(event.action)!,
    outcome: event.outcome,
    who: text(event.who),
    identity: text(event.identity),
    harness: text(event.harness),
    // All of them: which secrets were used is what the log is for.
    secrets: event.secrets?.map((secret) => text(secret)!),
    command: list(event.command),
    request: list(event.request),
    folder: text(event.folder),
    repository: text(event.repository),
    branch: text(event.branch),
    exitCode: event.exitCode,
    reason: text(event.reason),
  };
}

/** Half a surrogate pair would not come back as it went in. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
