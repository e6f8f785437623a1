import type { Finding } from "@agent-vault/vault";

/** What was found in a vault, a line each. */
export function* vaultFindings(findings: readonly Finding[]): Generator<string> {
  for (const { severity, message, remedy, kind } of findings) yield `${severity.padEnd(7)} ${message} ${remedy} [${kind}]`;
  if (findings.length === 0) yield "Nothing to complain of.";
}
