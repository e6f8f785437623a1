import type { Context } from "@agent-vault/vault/read-only";
import { append } from "../database/audit-row.js";
import type { LedgerDatabase } from "../database/database.js";
import type { Requester } from "@agent-vault/vault/read-only";

/** How many of each were active until then. */
export interface RevokedAll {
  readonly tokens: number;
  readonly sessions: number;
  readonly leases: number;
}

/**
 * Deletes the root of all tokens and ends all sessions and leases in one transaction, whose length does not depend on how many tokens
 * there are: what was signed with the root can never be verified again.
 */
export function revokeAll(context: Context, database: LedgerDatabase, vault: string, requester: Requester): Promise<RevokedAll> {
  return database.write((connection) => {
    const now = context.now();
    const tokens = Number(
      connection.get(
        "SELECT count(*) AS n FROM token WHERE expires > ? AND revoked IS NULL AND root IN (SELECT id FROM token_root)",
        now.getTime(),
      )!["n"],
    );
    connection.run("DELETE FROM token_root");
    connection.run("DELETE FROM session_approval");
    const sessions = connection.run("UPDATE session SET ended = ? WHERE ended IS NULL AND expires > ?", now.getTime(), now.getTime());
    const leases = connection.run("UPDATE lease SET released = ? WHERE released IS NULL AND expires > ?", now.getTime(), now.getTime());
    const reason = `tokens: ${tokens}, sessions: ${sessions}, leases: ${leases}`;
    append(connection, vault, now, { ...requester, action: "revoke-all", outcome: "done", reason });
    return { tokens, sessions, leases };
  });
}
