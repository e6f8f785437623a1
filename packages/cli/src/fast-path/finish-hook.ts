import process from "node:process";
import { finishInHook } from "@agent-vault/vault";
import { describeFinished, FIRST_MERGE } from "../advice/describe-merge.js";
import { ProgressLine } from "../terminal/progress-line.js";
import { reportError } from "../terminal/report-error.js";
import { terminalContext } from "../terminal/terminal-context.js";

/** Runs `hook post-merge` and `hook post-rewrite`, which git's hooks of these names start, without oclif. They stop nothing. @returns 0 */
export async function finishFromHook(): Promise<number> {
  try {
    const outcome = await finishInHook(terminalContext("sync", [], new ProgressLine()));
    if (outcome && "waits" in outcome) {
      const { message, remedy } = outcome.waits;
      process.stderr.write(`agent-vault: The merge of the vault is not signed yet. ${message}${remedy ? `\n  ${remedy}` : ""}\n`);
    } else if (outcome) {
      if (outcome.finished?.isFirst) process.stderr.write(`agent-vault: ${FIRST_MERGE}\n`);
      for (const line of describeFinished(outcome.finished)) process.stderr.write(`agent-vault: ${line}\n`);
    }
  } catch (error) {
    reportError(error, false);
  }
  return 0;
}
