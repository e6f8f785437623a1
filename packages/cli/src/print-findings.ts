import process from "node:process";
import { scanStaged, type Finding } from "@agent-vault/hooks";
import { EXIT_CODES } from "@agent-vault/vault/read-only";
import { reportError } from "./report-error.js";
import { terminalContext } from "./terminal-context.js";
import { ProgressLine } from "./terminal.js";

/** What a scan found, in words, and what to do about it. */
export function* findingsInWords(findings: readonly Finding[]): Generator<string> {
  for (const { message, kind } of findings) yield `${message} [${kind}]`;
  if (findings.length === 0) return;
  yield "Take it out (git rm --cached FILE), and replace a key wherever it is used. A known test key: agent-vault scan FILE --allow.";
}

/** Runs `scan --staged`, which every commit waits for, without oclif. @returns the exit code */
export async function fastStagedScan(): Promise<number> {
  try {
    const context = terminalContext([], new ProgressLine());
    const findings = await scanStaged(context, context.cwd);
    for (const line of findingsInWords(findings)) process.stdout.write(`${line}\n`);
    return findings.length > 0 ? EXIT_CODES.KEY_MATERIAL : 0;
  } catch (error) {
    return reportError(error, false);
  }
}
