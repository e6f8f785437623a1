import { plural } from "@agent-vault/vault/read-only";
import type { SigningKey } from "@agent-vault/vault";
import type { Connection } from "../database/connection.js";
import { checkpointText } from "./checkpoint.js";
import { append, headOf, machineOf, type AuditHead } from "../database/audit-row.js";

/** The log after its oldest rows were cut. */
export interface PruneResult extends AuditHead {
  /** How many rows were cut. */
  readonly cut: number;
}

/** Cuts the rows from before a time, in a transaction of the caller's. */
export function prune(
  connection: Connection,
  vault: string,
  now: Date,
  { before, key, who }: { readonly before: Date; readonly key: SigningKey; readonly who: string | undefined },
): PruneResult {
  const { cut, rows } = rowsBefore(connection, vault, before);
  if (cut === 0) return { cut, ...headOf(connection, vault) };
  const { hash } = connection.get("SELECT hash FROM audit WHERE id = ?", rows)!;
  const checkpoint = { rows, head: hash as AuditHead["head"], time: now.toISOString() };
  const signature = Buffer.from(key.sign(Buffer.from(checkpointText(vault, machineOf(connection), checkpoint)))).toString();
  connection.insert("checkpoint", { ...checkpoint, signature });
  connection.run("DELETE FROM audit_secret WHERE event <= ?", rows);
  connection.run("DELETE FROM audit WHERE id <= ?", rows);
  const reason = `${plural(cut, "row")} from before ${before.toISOString()} were cut.`;
  append(connection, vault, now, { action: "audit prune", outcome: "done", who, reason });
  return { cut, ...headOf(connection, vault) };
}

/** @returns `rows`: the id of the last row before the first that is not older; `cut`: how many of the rows up to it are still there */
function rowsBefore(connection: Connection, vault: string, before: Date): { readonly cut: number; readonly rows: number } {
  const next = connection.get("SELECT min(id) AS id FROM audit WHERE time >= ?", before.toISOString())!["id"];
  const first = connection.get("SELECT min(id) AS id FROM audit")!["id"];
  const rows = typeof next === "number" ? next - 1 : headOf(connection, vault).rows;
  return { rows, cut: typeof first === "number" ? Math.max(0, rows - first + 1) : 0 };
}
