import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { LOCK_FILE } from "../format/layout.js";
import { detectHarness } from "../harness.js";
import { digestOf } from "../lock/digest.js";
import { unsigned } from "../trust/errors.js";
import { findNewestKnownState } from "../trust/newest-known-state.js";
import { findTrustedState, type CommittedState } from "../trust/newest-trusted-state.js";
import { requireFloor } from "../trust/require-floor.js";
import type { TrustContext } from "../trust/trust-context.js";

/**
 * What a new state of the files here follows.
 * @throws VaultError `ROLLBACK`, `FORKED` where a newer state is known and nobody chose to go on from an older one; `USAGE` where somebody
 *   did and none is
 */
export async function parentsOf(trust: TrustContext, state: VaultState, fromOlder: boolean): Promise<readonly CommittedState[]> {
  const here = await findTrustedState(trust);
  if (!fromOlder) {
    if (here) requireFloor(trust, here.signed.lineage);
    return here ? [here] : [];
  }
  if (!here) throw unsigned("No state of this vault was signed, so there is no older one.");
  const newest = await findNewestKnownState(trust, here);
  const lock = state.read(LOCK_FILE);
  if (newest === here && lock && digestOf(lock) === here.signed.digest) {
    throw new VaultError("USAGE", "This is the newest state of the vault that is known, and no older one.", {
      remedy: "Sign changes that were made without agent-vault with agent-vault sign.",
    });
  }
  return newest === here || newest.signed.lineage.lists(here.signed.digest) ? [newest] : [newest, here];
}

/** Refuses a coding agent to go on from an older state. @throws VaultError `CONFIRMATION_REQUIRED` */
export function requirePerson({ env }: Context): void {
  const harness = detectHarness(env);
  if (harness === undefined) return;
  throw new VaultError("CONFIRMATION_REQUIRED", `Only a person goes on from an older state, and this was run by ${harness}.`, {
    remedy: "Run agent-vault sign --from-older on a terminal of your own.",
  });
}
