import { realpathSync } from "node:fs";
import process from "node:process";
import type { HookResult } from "@agent-vault/hooks";

/** How a hook starts this very program. */
export function hookCommand(): string[] {
  return [process.execPath, realpathSync(process.argv[1]!)];
}

/** Why nothing was written, and what to add by hand instead. */
export function whyNotInstalled({ method, file, manual }: HookResult): string {
  const reason = method === "outside" ? "lies outside this repository" : "cannot be added to safely";
  return `Nothing was written, since ${file} ${reason}. Add this to it:\n\n${manual}`;
}
