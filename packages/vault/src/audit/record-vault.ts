import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FIRST_OWNER_FILE } from "../format/layout.js";
import { digestOf } from "../lock/digest.js";
import type { Actor } from "../record/recorder.js";

/** The id that a vault's audit log goes by. A vault of agent-vault 0.1 has none, and its owner's key tells it apart. */
export function recordVault({ root, vault }: Pick<Actor, "root" | "vault">): string {
  if (vault !== undefined) return vault;
  const file = join(root, FIRST_OWNER_FILE);
  return `unsigned-${digestOf(existsSync(file) ? readFileSync(file) : root).slice(7, 39)}`;
}
