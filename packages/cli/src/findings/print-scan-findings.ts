import process from "node:process";
import { adviceFor, scanStaged, type ScanFinding } from "@agent-vault/hooks";
import { type Context, exitCodeOf, printable } from "@agent-vault/vault/read-only";
import { reportError } from "../terminal/report-error.js";
import { terminalContext } from "../terminal/terminal-context.js";
import { ProgressLine } from "../terminal/terminal.js";

/** What a scan found, in words, and what to do about it. */
export async function findingsInWords(context: Context, findings: readonly ScanFinding[]): Promise<string[]> {
  return [...findings.map(({ message, kind }) => `${message} [${kind}]`), ...(await adviceFor(context, findings))];
}

/** Runs `scan --staged`, which every commit waits for, without oclif. @returns the exit code */
export async function fastStagedScan(): Promise<number> {
  try {
    const context = terminalContext("scan", [], new ProgressLine());
    const findings = await scanStaged(context, context.cwd);
    for (const line of await findingsInWords(context, findings)) process.stdout.write(`${printable(line)}\n`);
    return findings.length > 0 ? exitCodeOf("KEY_MATERIAL") : 0;
  } catch (error) {
    return reportError(error, false);
  }
}
