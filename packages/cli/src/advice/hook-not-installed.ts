import { realpathSync } from "node:fs";
import process from "node:process";
import type { HookResult } from "@agent-vault/hooks";

/** The command line of this program, for hooks and clients that start it. */
export function programCommand(): string[] {
  return [process.execPath, realpathSync(process.argv[1]!)];
}

/** Why the hook was not installed, and what to add by hand. */
export function whyNotInstalled({ method, file, manual }: HookResult): string {
  const reason = method === "outside" ? "is outside this repository" : "cannot be added to safely";
  return `Nothing was written, because ${file} ${reason}. Add this to it:\n\n${manual}`;
}
