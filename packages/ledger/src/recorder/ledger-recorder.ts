import {
  clearUnrecordedPeriod,
  notRecorded,
  requireAllowedSink,
  sinkRecorder,
  requesterOf,
  formatFailure,
  readUnrecordedPeriod,
  type Actor,
  type BegunChange,
  type Context,
  type RecordedChange,
  type RecordedEvent,
  type Recipient,
  type Recorder,
  plural,
} from "@agent-vault/vault/read-only";
import type { AuditEvent, AuditRow } from "../database/audit-row.js";
import { hasEngine } from "../database/connection.js";
import type { Ledger } from "../ledger.js";
import { openLedger, unlockLedger } from "../open-ledger.js";

/** Records in a vault's audit log what a program does with the vault: in its spool where the database engine is not there. */
export class LedgerRecorder implements Recorder {
  readonly #action: string;
  #ledger: Ledger | undefined;

  /** @param action what is done: `get`, `grant` */
  constructor(action: string) {
    this.#action = action;
  }

  async record(context: Context, actor: Actor, event: RecordedEvent): Promise<void> {
    if (!(await hasEngine())) return sinkRecorder(this.#action, { kind: "spool" }).record(context, actor, event);
    await this.#append(context, actor, event);
  }

  async begin(context: Context, actor: Actor, { secrets, what }: RecordedChange): Promise<BegunChange> {
    if (!(await hasEngine())) return sinkRecorder(this.#action, { kind: "spool" }).begin(context, actor, { secrets, what });
    const row = await this.#append(context, actor, { outcome: "started", secrets, reason: what.replace(/^agent-vault: /, "") });
    const ledger = this.#ledger!;
    const { machine, rows, head } = await ledger.audit.head();
    return {
      anchor: { machine, rows, head },
      end: async (failure) => {
        const ending =
          failure === undefined ? { outcome: "done" as const } : { outcome: "failed" as const, reason: formatFailure(failure) };
        try {
          await ledger.audit.complete(row, ending);
        } catch (error) {
          context.warn(`The end of this operation could not be recorded: ${error instanceof Error ? error.message : String(error)}`);
        }
      },
    };
  }

  async unlock(context: Context, actor: Pick<Actor, "root" | "vault" | "keys">, mayAsk: boolean): Promise<boolean> {
    if (this.#ledger || actor.vault === undefined || !(await hasEngine())) return true;
    try {
      return await unlockLedger(context, actor, mayAsk);
    } catch (error) {
      throw notRecorded(error);
    }
  }

  async admit(recipients: readonly Recipient[]): Promise<void> {
    await this.#ledger?.admit(recipients);
  }

  async #append(
    context: Context,
    actor: Actor,
    event: Pick<AuditEvent, "outcome" | "secrets" | "identity" | "request" | "reason">,
  ): Promise<AuditRow> {
    await requireAllowedSink(actor, "ledger");
    const requester = await requesterOf(context, actor);
    this.#ledger ??= await openLedgerForRecording(context, actor);
    try {
      return await this.#ledger.audit.record({
        action: this.#action,
        ...requester,
        ...event,
        identity: event.identity ?? requester.identity,
      });
    } catch (error) {
      throw notRecorded(error);
    }
  }
}

/**
 * Opens the ledger of a vault to record something. How often it was used while the audit log was off is recorded first.
 * @throws VaultError the codes of {@link openLedger}
 */
export async function openLedgerForRecording(context: Context, actor: Actor): Promise<Ledger> {
  try {
    const ledger = await openLedger(context, actor);
    const gap = actor.vault === undefined ? undefined : readUnrecordedPeriod(context, actor.vault);
    if (gap) {
      const times = `${plural(gap.count, "time")} between ${gap.since} and ${gap.until}`;
      await ledger.audit.record({ action: "audit", outcome: "done", reason: `The audit log was off (AGENT_VAULT_AUDIT): ${times}.` });
      clearUnrecordedPeriod(context, actor.vault!);
    }
    return ledger;
  } catch (error) {
    throw notRecorded(error);
  }
}
