import { isAtOrBehind, type BaseState } from "./base-state.js";
import { forked, inflated, rollback } from "./errors.js";
import { MAX_SEQUENCE_STEP, warnOfUnknownOrder } from "./freshness.js";
import type { Lineage } from "./lineage.js";
import type { TrustContext } from "./trust-context.js";

/**
 * Requires that a change goes on from the state that it began from: a pull request that takes states back would give back what was
 * revoked since. That others have changed the branch meanwhile is no fault of the change.
 * @throws VaultError `ROLLBACK`, `FORKED`
 */
export function requireFollowsBase(
  trust: TrustContext,
  lineage: Lineage,
  { revision, lineage: tip, parted, isPartedKnown }: BaseState,
): void {
  const { signed } = lineage;
  const seen = parted && { sequence: parted.signed.lock.sequence, lock: parted.signed.digest };
  if (parted && seen) {
    const order = orderOf(lineage, parted);
    if (order === "older") throw rollback(signed, seen);
    if (order === "unrelated") throw forked(signed, seen);
    if (signed.lock.sequence - seen.sequence > MAX_SEQUENCE_STEP) throw inflated(signed, seen);
    if (order === "unknown") warnOfUnknownOrder(trust, signed, seen);
  }
  const order = orderOf(lineage, tip);
  const states = `state ${signed.lock.sequence}`;
  if (order === "older" && !isPartedKnown) {
    trust.warn(
      "rollback",
      `This is ${states} of the vault, and ${revision} has state ${tip.signed.lock.sequence}. Whether that was taken back cannot be told, as this clone does not hold the commit that both began from.`,
      "Fetch it: git fetch --unshallow.",
    );
  } else if (order === "unrelated") {
    trust.warn(
      "diverged",
      `The vault was changed here and on ${revision}: ${states} does not follow state ${tip.signed.lock.sequence}.`,
      `An owner joins the two before this is merged, on this branch: agent-vault sync --onto ${baseBranch(trust, revision)}.`,
    );
  }
}

/** The branch that the change is proposed for, by its name: a job compares with a commit, and its host says which branch that is of. */
function baseBranch({ context: { env } }: TrustContext, revision: string): string {
  const named = /^(?:[0-9a-f]{7,64}|HEAD.*)$/.test(revision)
    ? env["GITHUB_BASE_REF"] || env["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] || ""
    : revision.replace(/^(?:refs\/(?:heads|remotes)\/)?(?:origin\/)?/, "");
  return /^[\w./-]+$/.test(named) ? named : "BRANCH";
}

/** Where a state is, seen from another one; `unknown` where git's history breaks before that is known, as states of 0.2.0 need. */
function orderOf(lineage: Lineage, other: Lineage): "newer" | "older" | "unrelated" | "unknown" {
  if (isAtOrBehind(other.signed, lineage)) return "newer";
  if (isAtOrBehind(lineage.signed, other)) return "older";
  return lineage.lists(other.signed.digest) === undefined || other.lists(lineage.signed.digest) === undefined ? "unknown" : "unrelated";
}
