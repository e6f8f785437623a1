import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { append } from "../database/audit-row.js";
import type { Row } from "../database/connection.js";
import type { LedgerDatabase } from "../database/database.js";
import type { Requester } from "@agent-vault/vault/read-only";
import { mintToken, newId, revokeTokens, type NewToken, type TokenRoot } from "./token-row.js";

/** A note that a secret is in use until a time. It does not keep others from using it. */
export interface Lease {
  readonly id: string;
  /** As secrets are shown. */
  readonly secret: string;
  readonly holder: string | undefined;
  /** The token that it came with. */
  readonly token: string;
  readonly taken: Date;
  readonly expires: Date;
}

/** A vault's leases on this machine. */
export class LeaseStore {
  readonly #context: Context;
  readonly #database: LedgerDatabase;
  readonly #vault: string;

  constructor(context: Context, database: LedgerDatabase, vault: string) {
    this.#context = context;
    this.#database = database;
    this.#vault = vault;
  }

  /**
   * Leases a secret, with a token that is valid as long.
   * @throws VaultError the codes of {@link LedgerDatabase.read}
   */
  take(secret: string, token: NewToken, requester: Requester): Promise<{ readonly lease: Lease; readonly root: TokenRoot }> {
    return this.#database.write((connection) => {
      const now = this.#context.now();
      const minted = mintToken(connection, this.#context, this.#vault, token, requester);
      const lease = { id: newId(this.#context), secret, holder: requester.who, token: minted.id, taken: now, expires: token.expires };
      connection.insert("lease", { ...lease, taken: now.getTime(), expires: token.expires.getTime() });
      append(connection, this.#vault, now, {
        ...requester,
        action: "lease",
        outcome: "done",
        secrets: [secret],
        reason: `lease ${lease.id}`,
      });
      return { lease, root: minted.root };
    });
  }

  /** The active leases, the first to expire first. */
  list(): Promise<Lease[]> {
    return this.#database.read((connection) => {
      const sql = "SELECT * FROM lease WHERE released IS NULL AND expires > ? ORDER BY expires, id";
      return connection.all(sql, this.#context.now().getTime()).map(readLease);
    });
  }

  /**
   * Gives back the leases of a secret, or of one id, before their time, and revokes their tokens.
   * @throws VaultError `FAILED` where none is active
   */
  release(idOrSecret: string, requester: Requester): Promise<Lease[]> {
    return this.#database.write((connection) => {
      const now = this.#context.now();
      const sql = "SELECT * FROM lease WHERE released IS NULL AND expires > ? AND (id = ? OR secret = ?) ORDER BY expires, id";
      const leases = connection.all(sql, now.getTime(), idOrSecret, idOrSecret).map(readLease);
      if (leases.length === 0) {
        throw new VaultError("FAILED", `There is no active lease of ${JSON.stringify(idOrSecret)} on this machine.`, {
          remedy: "List the active ones with agent-vault leases.",
        });
      }
      for (const { id, token, secret } of leases) {
        connection.run("UPDATE lease SET released = ? WHERE id = ?", now.getTime(), id);
        revokeTokens(connection, now, "id", token);
        append(connection, this.#vault, now, {
          ...requester,
          action: "lease release",
          outcome: "done",
          secrets: [secret],
          reason: `lease ${id}`,
        });
      }
      return leases;
    });
  }
}

function readLease(row: Row): Lease {
  return {
    id: String(row["id"]),
    secret: String(row["secret"]),
    holder: (row["holder"] as string | null) ?? undefined,
    token: String(row["token"]),
    taken: new Date(Number(row["taken"])),
    expires: new Date(Number(row["expires"])),
  };
}
