import {
  auditSink,
  failureOutcome,
  formatFailure,
  notRecorded,
  requesterOf,
  requireAllowedSink,
  type Actor,
  type AuditEvent,
  type AuditSink,
  type Context,
  type Requester,
  type VaultError,
} from "@agent-vault/vault/read-only";
import type { Completion } from "../audit/log.js";
import { hasEngine } from "../database/connection.js";
import type { Ledger } from "../ledger.js";
import { openLedgerForRecording } from "./ledger-recorder.js";

/** A use of secrets, as it is recorded. */
export type UseEvent = Pick<AuditEvent, "action" | "secrets" | "command" | "request" | "reason" | "identity">;

/** Records one use of secrets in the audit log: its refusal, or its beginning and its end. */
export interface UseAudit {
  /** `undefined` where uses go on record in another place. */
  readonly ledger: Ledger | undefined;
  /** Records a refusal. Where that fails, the use is refused all the same. */
  refuse(use: UseEvent, error: VaultError): Promise<void>;
  /**
   * Records that a use begins. Only then may anything be decrypted.
   * @returns what records how it ended
   */
  begin(use: UseEvent): Promise<(ending: Completion) => Promise<void>>;
}

/** @throws VaultError `USAGE`, `LEDGER_UNAVAILABLE`, and the codes of `openLedger`: then nothing may be used */
export async function openUseAudit(context: Context, actor: Actor): Promise<UseAudit> {
  const sink = auditSink(context);
  const isLedger = sink.kind === "ledger" && (await hasEngine());
  const requester = await requesterOf(context, actor);
  if (!isLedger) return elsewhere(context, actor, requester, sink);
  await requireAllowedSink(actor, "ledger");
  const ledger = await openLedgerForRecording(context, actor);
  return {
    ledger,
    refuse: async (use, error) => void (await ledger.audit.record(refusalOf(requester, use, error)).catch(() => {})),
    begin: async (use) => {
      try {
        const row = await ledger.audit.record({ ...requester, ...use, outcome: "started" });
        return async (ending) => void (await ledger.audit.complete(row, ending));
      } catch (error) {
        throw notRecorded(error);
      }
    },
  };
}

/** Records where there is no database: in the spool, where the engine is not there. */
async function elsewhere(context: Context, actor: Actor, requester: Requester, sink: AuditSink): Promise<UseAudit> {
  const { openAuditWriter } = await import("@agent-vault/vault");
  const place = sink.kind === "ledger" || sink.kind === "off" ? ({ kind: "spool" } as const) : sink;
  const writer = await openAuditWriter(context, actor, place).catch((error: unknown) => {
    throw notRecorded(error);
  });
  return {
    ledger: undefined,
    refuse: async (use, error) => void (await writer.write(refusalOf(requester, use, error)).catch(() => {})),
    begin: async (use) => {
      try {
        const row = await writer.write({ ...requester, ...use, outcome: "started" });
        const { who, identity } = requester;
        return async (ending) => void (await writer.write({ action: use.action, who, identity: use.identity ?? identity, ...ending }, row));
      } catch (error) {
        throw notRecorded(error);
      }
    },
  };
}

function refusalOf(requester: Requester, use: UseEvent, error: VaultError): AuditEvent {
  const reason = [use.reason, formatFailure(error)].filter(Boolean).join(" ");
  return { ...requester, ...use, outcome: failureOutcome(error), reason };
}
