import type { Connection } from "../database/connection.js";
import type { AuditHead } from "../database/audit-row.js";

/** What is kept of rows that were cut: how many there had been and the hash of the last, signed by an owner. */
export interface Checkpoint extends AuditHead {
  /** When they were cut: RFC 3339, UTC. */
  readonly time: string;
  /** The owner's armored SSH signature over {@link checkpointText}. */
  readonly signature: string;
}

/** What an owner signs when rows are cut. No lock begins like this. */
export function checkpointText(vault: string, machine: string, { rows, head, time }: Omit<Checkpoint, "signature">): string {
  return `agent-vault audit checkpoint\nvault: ${vault}\nmachine: ${machine}\nrows: ${rows}\nhead: ${head}\ntime: ${time}\n`;
}

/** The checkpoints of a log, the oldest first. */
export function readCheckpoints(connection: Connection): Checkpoint[] {
  return connection.all("SELECT * FROM checkpoint ORDER BY rows").map((row) => ({
    rows: Number(row["rows"]),
    head: row["head"] as Checkpoint["head"],
    time: String(row["time"]),
    signature: String(row["signature"]),
  }));
}
