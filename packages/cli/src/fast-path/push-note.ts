import { readFileSync } from "node:fs";
import process from "node:process";
import {
  andMore,
  exitCodeOf,
  findVaultKeys,
  notePushed,
  processContext,
  unsignedMergesPushed,
  type Context,
} from "@agent-vault/vault/read-only";

/**
 * Runs `hook pre-push REMOTE URL`, which git's hook of that name starts, without oclif. A push never waits for it to work, so it fails for
 * nothing but a merge of the vault that an owner pushes without having signed it.
 * @param args the remote's name and URL, as git gives them to the hook
 */
export function notePush([remote]: readonly string[]): number {
  try {
    const context = processContext();
    const lines = readFileSync(0, "utf8");
    if (remote) notePushed(context, context.cwd, remote, lines);
    return checkMerges(context, lines);
  } catch {
    // What was not noted is found out with the next fetch.
  }
  return 0;
}

/** A colleague without an owner's key cannot sign the merge, and is not kept from pushing code. */
function checkMerges(context: Context, lines: string): number {
  const unsigned = unsignedMergesPushed(context, context.cwd, lines);
  if (!unsigned || !findVaultKeys(context, unsigned.root)?.isOwners) return 0;
  const what = `git merged the vault in ${andMore(unsigned.branches, 3)}, and you have not signed the result, so readers could not use it.`;
  const next = "Run agent-vault sync, which signs and pushes it. To push it as it is: git push --no-verify. Nothing was pushed.";
  process.stdout.write(`agent-vault: ${what}\n  ${next}\n`);
  return exitCodeOf("CONFLICT");
}
