import { behindRemote, inflated } from "./errors.js";
import { floorOf } from "./floor.js";
import { compareStates } from "./freshness.js";
import type { Lineage } from "./lineage.js";
import type { TrustContext } from "./trust-context.js";

/** Requires that a state is or follows all that a new signature, or a push, must follow. @throws VaultError `ROLLBACK`, `FORKED` */
export function requireFloor(trust: TrustContext, lineage: Lineage): void {
  for (const seen of floorOf(trust, lineage)) {
    const order = compareStates(trust, lineage, seen);
    if (order === "inflated") throw inflated(lineage.signed, seen);
    if (order === "older" || order === "unrelated") throw behindRemote(lineage.signed, seen);
  }
}
