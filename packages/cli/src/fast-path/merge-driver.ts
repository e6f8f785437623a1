import { joinForGit } from "@agent-vault/vault/merge-driver";
import { processContext } from "@agent-vault/vault/read-only";
import { reportError } from "../terminal/report-error.js";

/**
 * Runs `merge-driver BASE OURS THEIRS PATH`, which git starts for each file of a vault that both sides changed, without oclif.
 * @returns 0, or 1 for a file that git has to leave as a conflict: it takes larger numbers for a failure of the whole merge
 */
export function mergeFile([base, ours, theirs, path, ...more]: readonly string[]): number {
  if (base === undefined || ours === undefined || theirs === undefined || path === undefined || more.length > 0) {
    process.stderr.write("agent-vault: this merge driver was registered by another version. Run agent-vault hook install.\n");
    return 1;
  }
  try {
    joinForGit(processContext(), { base, ours, theirs, path });
    return 0;
  } catch (error) {
    reportError(error, false);
    return 1;
  }
}
