import { readFileSync } from "node:fs";
import { notePushed, processContext } from "@agent-vault/vault/read-only";

/**
 * Runs `hook pre-push REMOTE URL`, which git's hook of that name starts, without oclif. A push never waits for it to work, so it says nothing
 * and fails for nothing.
 * @param args the remote's name and URL, as git gives them to the hook
 */
export function notePush([remote]: readonly string[]): number {
  try {
    const context = processContext();
    if (remote) notePushed(context, context.cwd, remote, readFileSync(0, "utf8"));
  } catch {
    // What was not noted is found out with the next fetch.
  }
  return 0;
}
