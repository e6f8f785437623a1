import { VaultError } from "@agent-vault/vault";

/** The result of one check. Message and remedy are sentences. */
export interface Diagnosis {
  readonly subject: string;
  readonly state: "ok" | "warning" | "error";
  readonly message: string;
  /** What to do; absent where nothing is wrong. */
  readonly remedy?: string | undefined;
}

/** A check that found nothing wrong. */
export const ok = (subject: string, message: string): Diagnosis => ({ subject, state: "ok", message });
/** A check that found something to improve. */
export const warning = (subject: string, message: string, remedy: string): Diagnosis => ({ subject, state: "warning", message, remedy });
/** A check that found what keeps agent-vault from working. */
export const error = (subject: string, message: string, remedy: string): Diagnosis => ({ subject, state: "error", message, remedy });

/** What a check that failed says about its subject. @throws whatever is no VaultError */
export function diagnose(subject: string, failure: unknown): Diagnosis {
  if (!(failure instanceof VaultError)) throw failure;
  return error(subject, failure.message, failure.remedy ?? "");
}
