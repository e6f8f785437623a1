import { adviceFor, type ScanFinding } from "@agent-vault/hooks";
import type { Context } from "@agent-vault/vault/read-only";

/** What a scan found, a line each, and what to do about it. */
export async function formatScanFindings(context: Context, findings: readonly ScanFinding[]): Promise<string[]> {
  return [...findings.map(({ message, kind }) => `${message} [${kind}]`), ...(await adviceFor(context, findings))];
}
