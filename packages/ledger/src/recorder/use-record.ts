import { formatFailure, failureOutcome, type Actor, type Context, type VaultError } from "@agent-vault/vault/read-only";
import type { AuditEvent } from "../audit/row.js";
import type { Completion } from "../audit/log.js";
import type { Ledger } from "../ledger.js";
import { openRecord, unrecorded } from "./ledger-recorder.js";
import { requesterOf } from "./requester.js";

/** A use as it goes on record. */
export type RecordedUse = Pick<AuditEvent, "action" | "secrets" | "command" | "reason" | "identity">;

/** The record of one use of secrets, from its refusal or its beginning to its end. */
export interface UseRecord {
  readonly ledger: Ledger;
  /** Puts a refusal on record, where that can be: the refusal stands either way. */
  refuse(use: RecordedUse, error: VaultError): Promise<void>;
  /**
   * Puts a use on record as begun. Only then may anything be decrypted.
   * @returns what puts on record how it ended
   */
  begin(use: RecordedUse): Promise<(ending: Completion) => Promise<void>>;
}

/** @throws VaultError the codes of `openLedger`: then nothing may be used */
export async function openUseRecord(context: Context, actor: Actor): Promise<UseRecord> {
  const ledger = await openRecord(context, actor);
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
        throw unrecorded(error);
      }
    },
  };
}
