import type { Finding } from "@agent-vault/vault";

/** What is wrong with a vault, a line each. */
export function* formatVaultFindings(findings: readonly Finding[]): Generator<string> {
  for (const { severity, message, remedy, kind } of findings) yield `${severity.padEnd(7)} ${message} ${remedy} [${kind}]`;
  if (findings.length === 0) yield "No problems found.";
}
