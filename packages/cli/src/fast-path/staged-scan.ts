import process from "node:process";
import { scanStaged } from "@agent-vault/hooks";
import { exitCodeOf, printable } from "@agent-vault/vault/read-only";
import { formatScanFindings } from "../findings/scan-findings.js";
import { ProgressLine } from "../terminal/progress-line.js";
import { reportError } from "../terminal/report-error.js";
import { terminalContext } from "../terminal/terminal-context.js";

/** Runs `scan --staged`, which every commit waits for, without oclif. @returns the exit code */
export async function fastStagedScan(): Promise<number> {
  try {
    const context = terminalContext("scan", [], new ProgressLine());
    const findings = await scanStaged(context, context.cwd);
    for (const line of await formatScanFindings(context, findings)) process.stdout.write(`${printable(line)}\n`);
    return findings.length > 0 ? exitCodeOf("KEY_MATERIAL") : 0;
  } catch (error) {
    return reportError(error, false);
  }
}
