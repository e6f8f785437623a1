import { VaultError, type AuditAnchor, type Context, type SshPublicKey, plural } from "@agent-vault/vault/read-only";
import type { SigningKey } from "@agent-vault/vault";
import { append, headOf, machineOf, readRow, readWords, type AuditEvent, type AuditRow, type AuditHead, type Outcome } from "./row.js";
import { ChainVerification, type ChainReport } from "./chain.js";
import { checkpointText, type Checkpoint } from "./checkpoint.js";
import type { Connection, Row, Value } from "../database/connection.js";
import type { LedgerDatabase } from "../database/database.js";

/** A use with what became of it. */
export interface AuditEntry extends AuditRow {
  /** How it ended; absent where nobody has said so yet, or where it was over at once. */
  readonly completion: Pick<AuditRow, "id" | "time" | "outcome" | "exitCode" | "reason" | "command"> | undefined;
}

export interface AuditFilter {
  /** The newest so many of those that fit. */
  readonly last?: number | undefined;
  /** From this time on, and before that one. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** One secret, as secrets are shown. */
  readonly secret?: string | undefined;
  /** The secrets whose path begins with this group. */
  readonly group?: string | undefined;
  readonly who?: string | undefined;
  /** Of the completion, where there is one. */
  readonly outcome?: Outcome | undefined;
  readonly action?: string | undefined;
  /** A part of the command, whatever its case. */
  readonly command?: string | undefined;
  /** What was recorded or completed after the log had so many rows: what is new for a follower. */
  readonly after?: number | undefined;
}

/** How a use that was recorded as started has ended. */
export interface Completion {
  readonly outcome: Exclude<Outcome, "started">;
  /** The command in full, once it is known which of its words are secrets. */
  readonly command?: readonly string[] | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** Events of one day, secret or agent. */
export interface Tally {
  readonly name: string;
  readonly uses: number;
  readonly denied: number;
  /** The time of the newest. */
  readonly last: string;
}

export interface AuditSummary {
  readonly days: readonly Tally[];
  readonly secrets: readonly Tally[];
  readonly who: readonly Tally[];
  /** Secrets and agents of the index that no event names. */
  readonly unusedSecrets: readonly string[];
  readonly unusedAgents: readonly string[];
}

export interface PruneResult extends AuditHead {
  /** How many rows were cut. */
  readonly cut: number;
}

/** How many rows are verified before other processes get a turn. */
const BATCH = 2000;

/** The append-only record of what was done with a vault on this machine. */
export class AuditLog {
  readonly #context: Context;
  readonly #database: LedgerDatabase;
  readonly #vault: string;

  constructor(context: Context, database: LedgerDatabase, vault: string) {
    this.#context = context;
    this.#database = database;
    this.#vault = vault;
  }

  /**
   * Appends an event. When this returns it is on the disk, and only then may a value be released.
   * @throws VaultError the codes of {@link LedgerDatabase.read}: then nothing was recorded, and nothing should happen
   */
  record(event: AuditEvent): Promise<AuditRow> {
    return this.#database.write((connection) => append(connection, this.#vault, this.#context.now(), event));
  }

  /**
   * Appends how a use has ended, as a row of its own.
   * @param row what `record` returned
   * @throws VaultError as `record`; `USAGE` where there is no such use, or it has ended already
   */
  complete(row: Pick<AuditRow, "id" | "action"> & Pick<AuditEvent, "who">, completion: Completion): Promise<AuditRow> {
    return this.#database.write((connection) => {
      const started = connection.get("SELECT 1 FROM audit WHERE id = ? AND completes IS NULL AND outcome = 'started'", row.id);
      const ended = connection.get("SELECT 1 FROM audit WHERE completes = ?", row.id);
      if (!started || ended) {
        throw new VaultError("USAGE", `There is no use ${row.id} in the audit log that could be completed.`, {
          remedy: "A use is completed once, with the row that its start was recorded as.",
        });
      }
      return append(connection, this.#vault, this.#context.now(), { action: row.action, who: row.who, ...completion }, row.id);
    });
  }

  /** The uses that fit, oldest first, each with its completion. */
  list(filter: AuditFilter = {}): Promise<AuditEntry[]> {
    const { conditions, values } = conditionsOf(filter);
    const limit = filter.last === undefined ? "" : `LIMIT ${Math.max(0, Math.trunc(filter.last))}`;
    const sql = `
      SELECT a.*, c.id AS c_id, c.time AS c_time, c.outcome AS c_outcome, c.exit_code AS c_exit_code, c.reason AS c_reason, c.command AS c_command
      FROM audit a LEFT JOIN audit c ON c.completes = a.id
      WHERE ${["a.completes IS NULL", ...conditions].join(" AND ")} ORDER BY a.id DESC ${limit}`;
    return this.#database.read((connection) =>
      connection
        .all(sql, ...values)
        .map(readEntry)
        .toReversed(),
    );
  }

  /** Where the log stands: what an owner's next signed change takes into the lock, under the machine's name. */
  head(): Promise<AuditHead & { readonly machine: string }> {
    return this.#database.read((connection) => ({ machine: machineOf(connection), ...headOf(connection, this.#vault) }));
  }

  /**
   * Follows the chain of hashes from its beginning, or from what was pruned, to its end, and holds it against its anchors.
   * @param anchors by machine, as the lock has them
   * @param owners whose signatures count under what was pruned
   */
  async verifyChain(anchors: ReadonlyMap<string, AuditAnchor>, owners: readonly SshPublicKey[]): Promise<ChainReport> {
    const begin = await this.#database.read((connection) => ({
      machine: machineOf(connection),
      checkpoints: readCheckpoints(connection),
      end: headOf(connection, this.#vault),
      lookups: Number(connection.get("SELECT count(*) AS n FROM audit_secret")!["n"]),
    }));
    const { isSignatureOf, parseSignature } = await import("@agent-vault/vault");
    const isSigned = (checkpoint: Checkpoint): boolean => {
      try {
        const signature = parseSignature(Buffer.from(checkpoint.signature));
        const text = checkpointText(this.#vault, begin.machine, checkpoint);
        return owners.includes(signature.key) && isSignatureOf(signature, Buffer.from(text));
      } catch {
        return false;
      }
    };
    const verification = new ChainVerification(this.#vault, begin.machine, begin.checkpoints, anchors, isSigned);
    for (let after = 0; ;) {
      const rows = await this.#database.read((connection) =>
        connection.all("SELECT * FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, begin.end.rows, BATCH),
      );
      for (const row of rows) verification.take(row);
      if (rows.length < BATCH) break;
      after = Number(rows.at(-1)!["id"]);
    }
    return verification.finish(begin.lookups);
  }

  /**
   * Cuts the oldest rows, all before the first that is not older than `before`, and keeps a checkpoint of them that the owner signs,
   * so that the chain still verifies. The cut itself is recorded.
   */
  prune(before: Date, key: SigningKey, who?: string): Promise<PruneResult> {
    return this.#database.write((connection) => {
      const head = headOf(connection, this.#vault);
      const next = connection.get("SELECT min(id) AS id FROM audit WHERE time >= ?", before.toISOString())!["id"];
      const first = connection.get("SELECT min(id) AS id FROM audit")!["id"];
      const rows = next === null || next === undefined ? head.rows : Number(next) - 1;
      const cut = first === null || first === undefined ? 0 : Math.max(0, rows - Number(first) + 1);
      if (cut === 0) return { cut, ...head };
      const last = connection.get("SELECT hash FROM audit WHERE id = ?", rows)!;
      const now = this.#context.now();
      const checkpoint = { rows, head: last["hash"] as AuditHead["head"], time: now.toISOString() };
      const signature = Buffer.from(key.sign(Buffer.from(checkpointText(this.#vault, machineOf(connection), checkpoint)))).toString();
      connection.insert("checkpoint", { ...checkpoint, signature });
      connection.run("DELETE FROM audit_secret WHERE event <= ?", rows);
      connection.run("DELETE FROM audit WHERE id <= ?", rows);
      const reason = `${plural(cut, "row")} from before ${before.toISOString()} were cut.`;
      append(connection, this.#vault, now, { action: "audit prune", outcome: "done", who, reason });
      return { cut, ...headOf(connection, this.#vault) };
    });
  }

  /** Uses by day, secret and agent, and what was never used. */
  summary({ since, until }: Pick<AuditFilter, "since" | "until"> = {}): Promise<AuditSummary> {
    const { conditions, values } = conditionsOf({ since, until });
    const from = "audit a LEFT JOIN audit c ON c.completes = a.id";
    const where = ["a.completes IS NULL", ...conditions].join(" AND ");
    const counts = "count(*) AS uses, sum(coalesce(c.outcome, a.outcome) = 'denied') AS denied, max(a.time) AS last";
    const tally = (connection: Connection, name: string, join = "", order = "uses DESC, name") =>
      connection
        .all(`SELECT ${name} AS name, ${counts} FROM ${from} ${join} WHERE ${where} GROUP BY ${name} ORDER BY ${order}`, ...values)
        .filter((row) => row["name"] !== null)
        .map((row): Tally => ({
          name: String(row["name"]),
          uses: Number(row["uses"]),
          denied: Number(row["denied"]),
          last: String(row["last"]),
        }));
    return this.#database.read((connection) => {
      const secrets = tally(connection, "s.secret", "JOIN audit_secret s ON s.event = a.id");
      const who = tally(connection, "a.who");
      const unused = (sql: string, used: readonly Tally[]) => {
        const names = new Set(used.map(({ name }) => name));
        return connection
          .all(sql)
          .map((row) => String(row["name"]))
          .filter((name) => !names.has(name));
      };
      return {
        days: tally(connection, "substr(a.time, 1, 10)", "", "name"),
        secrets,
        who,
        unusedSecrets: unused("SELECT name FROM secret ORDER BY path", secrets),
        unusedAgents: unused("SELECT name FROM agent ORDER BY place", who),
      };
    });
  }
}

function conditionsOf(filter: AuditFilter): { conditions: string[]; values: Value[] } {
  const conditions: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...given: Value[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  if (filter.since) add("a.time >= ?", filter.since.toISOString());
  if (filter.until) add("a.time < ?", filter.until.toISOString());
  if (filter.secret !== undefined) add("a.id IN (SELECT event FROM audit_secret WHERE secret = ?)", filter.secret);
  if (filter.group !== undefined) {
    // "0" is the character behind "/". The secrets of the default group are shown without it.
    const [low, high] = [`${filter.group}/`, `${filter.group}0`];
    const isShown = filter.group === "default" ? "OR instr(secret, '/') = 0" : "";
    add(`a.id IN (SELECT event FROM audit_secret WHERE (secret >= ? AND secret < ?) ${isShown})`, low, high);
  }
  if (filter.who !== undefined) add("a.who = ?", filter.who);
  if (filter.outcome !== undefined) add("coalesce(c.outcome, a.outcome) = ?", filter.outcome);
  if (filter.action !== undefined) add("a.action = ?", filter.action);
  if (filter.command !== undefined)
    add("instr(lower(coalesce(c.command, a.command)), lower(?)) > 0", JSON.stringify(filter.command).slice(1, -1));
  if (filter.after !== undefined) {
    add("a.id IN (SELECT coalesce(completes, id) FROM audit WHERE id > ?)", filter.after);
  }
  return { conditions, values };
}

function readEntry(row: Row): AuditEntry {
  const completion = row["c_id"] === null ? undefined : readCompletion(row);
  return { ...readRow(row), completion };
}

function readCompletion(row: Row): NonNullable<AuditEntry["completion"]> {
  return {
    id: Number(row["c_id"]),
    time: String(row["c_time"]),
    outcome: row["c_outcome"] as Outcome,
    exitCode: (row["c_exit_code"] as number | null) ?? undefined,
    reason: (row["c_reason"] as string | null) ?? undefined,
    command: readWords(row, "c_command"),
  };
}

function readCheckpoints(connection: Connection): Checkpoint[] {
  return connection.all("SELECT * FROM checkpoint ORDER BY rows").map((row) => ({
    rows: Number(row["rows"]),
    head: row["head"] as Checkpoint["head"],
    time: String(row["time"]),
    signature: String(row["signature"]),
  }));
}
