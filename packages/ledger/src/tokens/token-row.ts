import { type Context, DAY_MS } from "@agent-vault/vault/read-only";
import { append } from "../database/audit-row.js";
import type { Connection, Row } from "../database/connection.js";
import type { Requester } from "@agent-vault/vault/read-only";
import { requireOpenSession } from "./session-row.js";

/** A token to be minted. */
export interface NewToken {
  /** Its restrictions, as text; they are for the list, what counts is what is signed into the token. */
  readonly caveats: readonly string[];
  readonly expires: Date;
  /** What it is for. */
  readonly note?: string | undefined;
  /** An open session, which it ends with. */
  readonly session?: string | undefined;
}

/** A token as the ledger knows it: enough to list and revoke it, and nothing that could be presented. */
export interface IssuedToken {
  readonly id: string;
  readonly note: string | undefined;
  readonly session: string | undefined;
  readonly caveats: readonly string[];
  readonly created: Date;
  readonly expires: Date;
  readonly isRevoked: boolean;
}

/** The key that a vault's tokens are signed with on this machine, until all of them are revoked. */
export interface TokenRoot {
  readonly id: string;
  /** 32 random bytes. */
  readonly key: Uint8Array;
}

/** How long what has expired is kept. */
const RETENTION_MS = 30 * DAY_MS;
const ROOT_KEY_BYTES = 32;

/** Adds a token, in a transaction of the caller's. @throws VaultError `SESSION_NOT_FOUND` */
export function mintToken(
  connection: Connection,
  context: Context,
  vault: string,
  token: NewToken,
  requester: Requester,
): { readonly id: string; readonly root: TokenRoot } {
  const now = context.now();
  if (token.session !== undefined) requireOpenSession(connection, token.session, now);
  forgetExpired(connection, now);
  const root = presentRoot(connection, context);
  const id = newId(context);
  connection.insert("token", {
    id,
    root: root.id,
    session: token.session,
    note: token.note,
    caveats: JSON.stringify(token.caveats),
    created: now.getTime(),
    expires: token.expires.getTime(),
  });
  const reason = `token ${id}: ${token.caveats.join("; ")}`;
  append(connection, vault, now, { ...requester, action: "token mint", outcome: "done", reason });
  return { id, root };
}

/** Revokes a token, or those of a session, in a transaction of the caller's. @returns how many */
export function revokeTokens(connection: Connection, now: Date, column: "id" | "session", value: string): number {
  return connection.run(`UPDATE token SET revoked = ? WHERE ${column} = ? AND revoked IS NULL`, now.getTime(), value);
}

/** 64 random bits, as text. */
export function newId(context: Context): string {
  return Buffer.from(context.random(8)).toString("hex");
}

/** A token is revoked by itself, or with its root. */
export const IS_REVOKED = "(token.revoked IS NOT NULL OR token_root.id IS NULL)";
/** Selects what {@link readToken} reads. */
export const SELECT_TOKEN = `SELECT token.*, ${IS_REVOKED} AS is_revoked FROM token LEFT JOIN token_root ON token_root.id = token.root`;

function presentRoot(connection: Connection, context: Context): TokenRoot {
  const present = readRoot(connection.get("SELECT * FROM token_root"));
  if (present) return present;
  const root = { id: newId(context), key: context.random(ROOT_KEY_BYTES) };
  connection.insert("token_root", { id: root.id, key: Buffer.from(root.key).toString("hex") });
  return root;
}

/** Forgets tokens, sessions and leases that expired long ago, in a transaction of the caller's. */
export function forgetExpired(connection: Connection, now: Date): void {
  const before = now.getTime() - RETENTION_MS;
  connection.run("DELETE FROM token_use WHERE token IN (SELECT id FROM token WHERE expires < ?)", before);
  connection.run("DELETE FROM session_approval WHERE session IN (SELECT id FROM session WHERE expires < ?)", before);
  for (const table of ["token", "session", "lease"]) connection.run(`DELETE FROM ${table} WHERE expires < ?`, before);
}

/** A row of the table `token_root`. */
export function readRoot(row: Row | undefined): TokenRoot | undefined {
  return row && { id: String(row["id"]), key: new Uint8Array(Buffer.from(String(row["key"]), "hex")) };
}

/** A row of {@link SELECT_TOKEN}. */
export function readToken(row: Row): IssuedToken {
  return {
    id: String(row["id"]),
    note: (row["note"] as string | null) ?? undefined,
    session: (row["session"] as string | null) ?? undefined,
    caveats: JSON.parse(String(row["caveats"])) as string[],
    created: new Date(Number(row["created"])),
    expires: new Date(Number(row["expires"])),
    isRevoked: Number(row["is_revoked"]) === 1,
  };
}
