import type { AuditHead } from "./row.js";

/** What stays of rows that were cut: how many there had been, and the hash of the last, in the owner's words. */
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
