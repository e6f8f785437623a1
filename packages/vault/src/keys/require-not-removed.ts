import { VaultError } from "../errors.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { Keys } from "./keys.js";
import { identifyPrincipal, type Principal } from "./principal.js";

/**
 * Requires that a reader of a state is one on the vault's main branch too: a reader who was removed there reads no branch that lacks the removal.
 * @param home the files of the main branch, verified
 * @returns who the main branch knows the keys as
 * @throws VaultError `NOT_AUTHORIZED`
 */
export async function requireNotRemoved(home: VaultFiles, keys: Keys, { role, name }: Principal): Promise<Principal> {
  const principal = await identifyPrincipal(home, keys);
  const isKnown =
    role === "unknown" || (principal.role === role && principal.name !== undefined && (role === "owner" || isListed(home, principal.name)));
  if (isKnown) return principal;
  throw new VaultError(
    "NOT_AUTHORIZED",
    `The vault's main branch does not know ${role} ${name ?? ""} any more, and this branch is behind it.`,
    {
      remedy:
        "If this is a mistake, ask an owner; otherwise nothing on this branch is for you. Merging the main branch brings the two together.",
    },
  );
}

/** An agent that was removed has no escrow any more, and no line in the manifest. */
function isListed(home: VaultFiles, agent: string): boolean {
  return home.escrowedAgents().includes(agent);
}
