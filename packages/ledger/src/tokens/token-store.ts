import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { append } from "../database/audit-row.js";
import type { Connection } from "../database/connection.js";
import type { LedgerDatabase } from "../database/database.js";
import type { Requester } from "@agent-vault/vault/read-only";
import {
  IS_REVOKED,
  mintToken,
  readRoot,
  readToken,
  revokeTokens,
  SELECT_TOKEN,
  type NewToken,
  type IssuedToken,
  type TokenRoot,
} from "./token-row.js";

/** A limit to how often a token is used. */
export interface UseLimit {
  /** Names what is counted. */
  readonly counter: string;
  readonly limit: number;
}

/** The tokens that were minted for a vault on this machine, and the root that they are signed with. */
export class TokenStore {
  readonly #context: Context;
  readonly #database: LedgerDatabase;
  /** The vault's id. */
  readonly vault: string;

  constructor(context: Context, database: LedgerDatabase, vault: string) {
    this.#context = context;
    this.#database = database;
    this.vault = vault;
  }

  /**
   * Adds a token, and returns what to sign it with.
   * @throws VaultError `SESSION_NOT_FOUND`, and the codes of {@link LedgerDatabase.read}: then there is no such token
   */
  mint(token: NewToken, requester: Requester): Promise<{ readonly id: string; readonly root: TokenRoot }> {
    return this.#database.write((connection) => mintToken(connection, this.#context, this.vault, token, requester));
  }

  /**
   * What is known of a token.
   * @returns its root and what is stored of it, each `undefined` where there is none: the root once all were revoked
   */
  find(root: string, id: string): Promise<{ readonly root: TokenRoot | undefined; readonly token: IssuedToken | undefined }> {
    return this.#database.read((connection) => {
      const row = connection.get(`${SELECT_TOKEN} WHERE token.id = ? AND token.root = ?`, id, root);
      return { root: readRoot(connection.get("SELECT * FROM token_root WHERE id = ?", root)), token: row && readToken(row) };
    });
  }

  /**
   * Counts one use of a token against all of its limits, or against none of them: in one transaction, whatever number of processes ask.
   * @returns the limit that is reached already, `"revoked"` where the token was revoked meanwhile, or `undefined` for a use that was counted
   */
  spend(token: Pick<IssuedToken, "id">, limits: readonly UseLimit[]): Promise<UseLimit | "revoked" | undefined> {
    return this.#database.write((connection) => {
      const row = connection.get(`${SELECT_TOKEN} WHERE token.id = ?`, token.id);
      if (!row || readToken(row).isRevoked) return "revoked";
      const reached = limits.find(({ counter, limit }) => usesOf(connection, counter) >= limit);
      if (reached) return reached;
      for (const { counter } of limits) {
        const sql = "INSERT INTO token_use VALUES (?, ?, 1) ON CONFLICT (counter) DO UPDATE SET uses = uses + 1";
        connection.run(sql, counter, token.id);
      }
      return undefined;
    });
  }

  /** How often each of these was counted. */
  uses(counters: readonly string[]): Promise<number[]> {
    return this.#database.read((connection) => counters.map((counter) => usesOf(connection, counter)));
  }

  /** The tokens that were minted, newest first: the active ones, or all that are still stored. */
  list(options: { readonly all?: boolean } = {}): Promise<IssuedToken[]> {
    return this.#database.read((connection) => {
      const now = this.#context.now();
      const isActive = `WHERE token.expires > ? AND NOT ${IS_REVOKED}`;
      const rows = options.all
        ? connection.all(`${SELECT_TOKEN} ORDER BY token.created DESC, token.id`)
        : connection.all(`${SELECT_TOKEN} ${isActive} ORDER BY token.created DESC, token.id`, now.getTime());
      return rows.map(readToken);
    });
  }

  /**
   * Revokes one token, and with it all that were attenuated from it.
   * @returns whether it was active until now
   * @throws VaultError `TOKEN_NOT_FOUND`
   */
  revoke(id: string, requester: Requester): Promise<boolean> {
    return this.#database.write((connection) => {
      if (!connection.get("SELECT 1 FROM token WHERE id = ?", id)) {
        throw new VaultError("TOKEN_NOT_FOUND", `There is no token ${JSON.stringify(id)} of this vault on this machine.`, {
          remedy: "List the tokens that were minted here with agent-vault token list --all.",
        });
      }
      const now = this.#context.now();
      const isChanged = revokeTokens(connection, now, "id", id) > 0;
      append(connection, this.vault, now, { ...requester, action: "token revoke", outcome: "done", reason: `token ${id}` });
      return isChanged;
    });
  }
}

function usesOf(connection: Connection, counter: string): number {
  return Number(connection.get("SELECT uses FROM token_use WHERE counter = ?", counter)?.["uses"] ?? 0);
}
