import type { Context } from "@agent-vault/vault/read-only";
import { append } from "../database/audit-row.js";
import type { LedgerDatabase } from "../database/database.js";
import type { Requester } from "@agent-vault/vault/read-only";
import { findSession, noSession, readSession, requireOpenSession, type Session } from "./session-row.js";
import { forgetExpired, newId, revokeTokens } from "./token-row.js";

/** A session to start. */
export interface NewSession {
  readonly expires: Date;
  readonly name?: string | undefined;
  readonly parent?: number | undefined;
}

/** A vault's sessions on this machine. */
export class SessionStore {
  readonly #context: Context;
  readonly #database: LedgerDatabase;
  readonly #vault: string;

  constructor(context: Context, database: LedgerDatabase, vault: string) {
    this.#context = context;
    this.#database = database;
    this.#vault = vault;
  }

  /** @throws VaultError the codes of {@link LedgerDatabase.read} */
  start(session: NewSession, requester: Requester): Promise<Session> {
    return this.#database.write((connection) => {
      const now = this.#context.now();
      forgetExpired(connection, now);
      const id = newId(this.#context);
      const { expires, name, parent } = session;
      const { harness } = requester;
      connection.insert("session", { id, name, harness, parent, started: now.getTime(), expires: expires.getTime() });
      append(connection, this.#vault, now, { ...requester, action: "session start", outcome: "done", reason: `session ${id}` });
      return requireOpenSession(connection, id, now);
    });
  }

  /** @returns `undefined` for an id that is none */
  find(id: string): Promise<Session | undefined> {
    return this.#database.read((connection) => findSession(connection, id, this.#context.now()));
  }

  /** The sessions that are open, newest first. */
  list(): Promise<Session[]> {
    return this.#database.read((connection) => {
      const now = this.#context.now();
      const rows = connection.all("SELECT * FROM session WHERE ended IS NULL AND expires > ? ORDER BY started DESC, id", now.getTime());
      return rows.map((row) => readSession(row, now));
    });
  }

  /**
   * Ends a session, with the approvals given in it and the tokens minted in it.
   * @returns how many tokens were revoked
   * @throws VaultError `SESSION_NOT_FOUND` where there is none that could be ended
   */
  end(id: string, requester: Requester): Promise<number> {
    return this.#database.write((connection) => {
      const now = this.#context.now();
      const ended = connection.run("UPDATE session SET ended = ? WHERE id = ? AND ended IS NULL", now.getTime(), id);
      if (ended === 0) throw noSession(id);
      connection.run("DELETE FROM session_approval WHERE session = ?", id);
      const revoked = revokeTokens(connection, now, "session", id);
      append(connection, this.#vault, now, { ...requester, action: "session end", outcome: "done", reason: `session ${id}` });
      return revoked;
    });
  }

  /**
   * Remembers what a person has approved for the rest of a session.
   * @param subject says what it was, and is compared byte for byte
   * @throws VaultError `SESSION_NOT_FOUND` where it is not open any more
   */
  approve(id: string, subject: string): Promise<void> {
    return this.#database.write((connection) => {
      requireOpenSession(connection, id, this.#context.now());
      connection.run("INSERT INTO session_approval VALUES (?, ?) ON CONFLICT DO NOTHING", id, subject);
    });
  }

  /** Whether it was approved in this session, and the session is open. */
  isApproved(id: string, subject: string): Promise<boolean> {
    return this.#database.read((connection) => {
      if (!findSession(connection, id, this.#context.now())?.isOpen) return false;
      return connection.get("SELECT 1 FROM session_approval WHERE session = ? AND subject = ?", id, subject) !== undefined;
    });
  }
}
