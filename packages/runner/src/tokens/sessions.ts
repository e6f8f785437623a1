import type { SessionRecord, SessionStore } from "@agent-vault/ledger";
import { isProcessAlive, VaultError, type Context } from "@agent-vault/vault/read-only";

/** Where a session's id is found by what is started in it. */
export const SESSION_VARIABLE = "AGENT_VAULT_SESSION";

/**
 * The session that this process was started in, as `AGENT_VAULT_SESSION` names it. The name gives nothing by itself: it has to be that of
 * an open session in the ledger, and one that was started for a process ends with that process.
 * @returns `undefined` where none is named
 * @throws VaultError `SESSION_NOT_FOUND` where one is named that is not open: what was meant for a session does not go on without it
 */
export async function currentSession(context: Pick<Context, "env">, sessions: SessionStore): Promise<SessionRecord | undefined> {
  const id = context.env[SESSION_VARIABLE];
  if (!id) return undefined;
  const session = await sessions.find(id);
  if (session?.isOpen && (session.parent === undefined || isProcessAlive(session.parent))) return session;
  throw new VaultError(
    "SESSION_NOT_FOUND",
    `The session that ${SESSION_VARIABLE} names has ended, or never was one of this vault on this machine.`,
    {
      remedy: `Start another with agent-vault session start, or unset ${SESSION_VARIABLE}.`,
    },
  );
}

/** The approvals that hold for the rest of a session, whichever process asks. */
export function approvalsIn({ id }: Pick<SessionRecord, "id">, sessions: SessionStore) {
  return {
    isRemembered: (use: string): Promise<boolean> => sessions.isApproved(id, use),
    remember: (use: string): Promise<void> => sessions.approve(id, use),
  };
}
