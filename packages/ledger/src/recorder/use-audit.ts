import { formatFailure, failureOutcome, type Actor, type Context, type VaultError } from "@agent-vault/vault/read-only";
import type { AuditEvent } from "../database/audit-row.js";
import type { Completion } from "../audit/log.js";
import type { Ledger } from "../ledger.js";
import { openLedgerForRecording, notRecorded } from "./ledger-recorder.js";
import { requesterOf } from "./requester.js";

/** A use of secrets, as it is recorded. */
export type UseEvent = Pick<AuditEvent, "action" | "secrets" | "command" | "request" | "reason" | "identity">;

/** Records one use of secrets in the audit log: its refusal, or its beginning and its end. */
export interface UseAudit {
  readonly ledger: Ledger;
  /** Records a refusal. Where that fails, the use is refused all the same. */
  refuse(use: UseEvent, error: VaultError): Promise<void>;
  /**
   * Records that a use begins. Only then may anything be decrypted.
   * @returns what records how it ended
   */
  begin(use: UseEvent): Promise<(ending: Completion) => Promise<void>>;
}

/** @throws VaultError the codes of `openLedger`: then nothing may be used */
export async function openUseAudit(context: Context, actor: Actor): Promise<UseAudit> {
  const ledger = await openLedgerForRecording(context, actor);
  const requester = await requesterOf(context, actor);
  return {
    ledger,
    refuse: async (use, error) => {
      const reason = [use.reason, formatFailure(error)].filter(Boolean).join(" ");
      await ledger.audit.record({ ...requester, ...use, outcome: failureOutcome(error), reason }).catch(() => {});
    },
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
