import { run } from "@oclif/core";

/** Lets oclif print the help of a command or topic, or the version. */
export async function printHelp(words: string[], root: string): Promise<void> {
  try {
    await run(words, { root });
  } catch (error) {
    // oclif ends help by throwing an exit with code 0.
    if (!(error instanceof Error && "oclif" in error && (error.oclif as { exit?: number }).exit === 0)) throw error;
  }
}
