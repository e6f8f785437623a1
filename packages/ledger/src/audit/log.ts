import { VaultError, type AuditAnchor, type Context, type SshPublicKey } from "@agent-vault/vault/read-only";
import type { SigningKey } from "@agent-vault/vault";
import type { LedgerDatabase } from "../database/database.js";
import { ChainVerification, type ChainReport } from "./chain.js";
import { checkpointText, readCheckpoints, type Checkpoint } from "./checkpoint.js";
import { findEntries, type AuditEntry } from "./entry.js";
import type { AuditFilter } from "./filter.js";
import { prune, type PruneResult } from "./prune.js";
import { append, headOf, machineOf, type AuditEvent, type AuditHead, type AuditRow, type Outcome } from "../database/audit-row.js";
import { summarize, type AuditSummary } from "./summary.js";

/** How a use that was recorded as started has ended. */
export interface Completion {
  readonly outcome: Exclude<Outcome, "started">;
  /** The command in full, once it is known which of its arguments are secrets. */
  readonly command?: readonly string[] | undefined;
  /** What the asker decided beside it, in full. */
  readonly request?: readonly string[] | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** How many rows are verified before other processes get a turn. */
const BATCH_SIZE = 2000;

/** The audit log of one vault on this machine: an append-only table of what was done with the vault. */
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
        throw new VaultError("USAGE", `Row ${row.id} of the audit log is not a use that can be completed.`, {
          remedy: "Complete each use once, with the row that record returned.",
        });
      }
      return append(connection, this.#vault, this.#context.now(), { action: row.action, who: row.who, ...completion }, row.id);
    });
  }

  /** The uses that fit, oldest first, each with its completion. @throws VaultError as `record` */
  list(filter: AuditFilter = {}): Promise<AuditEntry[]> {
    return this.#database.read((connection) => findEntries(connection, filter));
  }

  /** The end of the log: what an owner's next signed change takes into the lock, under the machine's name. */
  head(): Promise<AuditHead & { readonly machine: string }> {
    return this.#database.read((connection) => ({ machine: machineOf(connection), ...headOf(connection, this.#vault) }));
  }

  /**
   * Follows the chain of hashes from its beginning, or from what was pruned, to its end, and compares it with its anchors.
   * @param anchors by machine, as the lock has them
   * @param owners whose signatures count under what was pruned
   * @throws VaultError as `record`; what is wrong with the log is in the report
   */
  async verifyChain(anchors: ReadonlyMap<string, AuditAnchor>, owners: readonly SshPublicKey[]): Promise<ChainReport> {
    const begin = await this.#database.read((connection) => ({
      machine: machineOf(connection),
      checkpoints: readCheckpoints(connection),
      end: headOf(connection, this.#vault),
      lookups: Number(connection.get("SELECT count(*) AS n FROM audit_secret")!["n"]),
    }));
    const isSigned = await this.#checkpointVerifier(begin.machine, owners);
    const verification = new ChainVerification(this.#vault, begin.machine, begin.checkpoints, anchors, isSigned);
    for (let after = 0; ;) {
      const rows = await this.#database.read((connection) =>
        connection.all("SELECT * FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, begin.end.rows, BATCH_SIZE),
      );
      for (const row of rows) verification.take(row);
      if (rows.length < BATCH_SIZE) break;
      after = Number(rows.at(-1)!["id"]);
    }
    return verification.finish(begin.lookups);
  }

  async #checkpointVerifier(machine: string, owners: readonly SshPublicKey[]): Promise<(checkpoint: Checkpoint) => boolean> {
    const { isSignatureOf, parseSignature } = await import("@agent-vault/vault");
    return (checkpoint) => {
      try {
        const signature = parseSignature(Buffer.from(checkpoint.signature));
        const text = checkpointText(this.#vault, machine, checkpoint);
        return owners.includes(signature.key) && isSignatureOf(signature, Buffer.from(text));
      } catch {
        return false;
      }
    };
  }

  /**
   * Cuts the oldest rows, all before the first that is not older than `before`, and keeps a checkpoint of them that the owner signs,
   * so that the chain still verifies. The cut is an event of the log itself.
   * @throws VaultError as `record`
   */
  prune(before: Date, key: SigningKey, who?: string): Promise<PruneResult> {
    return this.#database.write((connection) => prune(connection, this.#vault, this.#context.now(), { before, key, who }));
  }

  /** Uses by day, secret and agent, and what was never used. @throws VaultError as `record` */
  summary(period: Pick<AuditFilter, "since" | "until"> = {}): Promise<AuditSummary> {
    return this.#database.read((connection) => summarize(connection, period));
  }
}
