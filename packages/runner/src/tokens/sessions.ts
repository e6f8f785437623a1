import type { Session, SessionStore } from "@agent-vault/ledger";
import { isProcessAlive, VaultError, type Context } from "@agent-vault/vault/read-only";

/** Where a session's id is found by what is started in it. */
export const SESSION_VARIABLE = "AGENT_VAULT_SESSION";

/**
 * The session that this process was started in, as `AGENT_VAULT_SESSION` names it. The name gives nothing by itself: it has to be that of
 * an open session in the ledger, and one that was started for a process ends with that process.
 * @returns `undefined` where none is named
 * @throws VaultError `SESSION_NOT_FOUND` where one is named that is not open: what was meant for a session does not go on without it
 */
export async function currentSession(context: Pick<Context, "env">, sessions: SessionStore): Promise<Session | undefined> {
  const id = context.env[SESSION_VARIABLE];
  if (!id) return undefined;
  const session = await sessions.find(id);
  if (session?.isOpen && (session.parent === undefined || isProcessAlive(session.parent))) return session;
  throw new VaultError("SESSION_NOT_FOUND", `The session in ${SESSION_VARIABLE} has ended, or is not one of this vault on this machine.`, {
    remedy: `Start a new one with agent-vault session start, or unset ${SESSION_VARIABLE}.`,
  });
}

/** The approvals of a session, which are shared by all processes in it. */
export function approvalsIn({ id }: Pick<Session, "id">, sessions: SessionStore) {
  return {
    isRemembered: (use: string): Promise<boolean> => sessions.isApproved(id, use),
    remember: (use: string): Promise<void> => sessions.approve(id, use),
  };
}
