import process from "node:process";
import { run } from "@oclif/core";

/** Lets oclif print the help of a command or topic, or the version. */
export async function printHelp(words: string[], root: string): Promise<void> {
  // oclif would ask the system, which fails for a user who is not in its list, as in a container.
  process.env["SHELL"] ??= "unknown";
  try {
    await run(words, { root });
  } catch (error) {
    // oclif ends help by throwing an exit with code 0.
    if (!(error instanceof Error && "oclif" in error && (error.oclif as { exit?: number }).exit === 0)) throw error;
  }
}
