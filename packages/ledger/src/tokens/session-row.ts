import { VaultError } from "@agent-vault/vault/read-only";
import type { Connection, Row } from "../database/connection.js";

/** A period for which a person's approvals are valid. */
export interface Session {
  readonly id: string;
  readonly name: string | undefined;
  /** The coding agent that seems to have started it. */
  readonly harness: string | undefined;
  /** The process that it ends with, where it has one. */
  readonly parent: number | undefined;
  readonly started: Date;
  readonly expires: Date;
  /** Whether it has not been ended and not expired. Its parent may have ended without saying so. */
  readonly isOpen: boolean;
}

/** @returns `undefined` for an id that is none */
export function findSession(connection: Connection, id: string, now: Date): Session | undefined {
  const row = connection.get("SELECT * FROM session WHERE id = ?", id);
  return row && readSession(row, now);
}

/** @throws VaultError `SESSION_NOT_FOUND` */
export function requireOpenSession(connection: Connection, id: string, now: Date): Session {
  const session = findSession(connection, id, now);
  if (!session?.isOpen) throw noSession(id);
  return session;
}

/** A row of the table `session`. */
export function readSession(row: Row, now: Date): Session {
  const expires = new Date(Number(row["expires"]));
  return {
    id: String(row["id"]),
    name: (row["name"] as string | null) ?? undefined,
    harness: (row["harness"] as string | null) ?? undefined,
    parent: (row["parent"] as number | null) ?? undefined,
    started: new Date(Number(row["started"])),
    expires,
    isOpen: row["ended"] === null && now < expires,
  };
}

/** `SESSION_NOT_FOUND`. */
export function noSession(id: string): VaultError {
  return new VaultError("SESSION_NOT_FOUND", `There is no open session ${JSON.stringify(id)} of this vault on this machine.`, {
    remedy: "List the open ones with agent-vault session list, or start one with agent-vault session start.",
  });
}
