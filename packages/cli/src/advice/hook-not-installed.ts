import type { HookResult } from "@agent-vault/hooks";

/** Why the hook was not installed, and what to add by hand. */
export function whyNotInstalled({ method, file, manual }: HookResult): string {
  const reason = method === "outside" ? "is outside this repository" : "cannot be added to safely";
  return `Nothing was written, because ${file} ${reason}. Add this to it:\n\n${manual}`;
}
