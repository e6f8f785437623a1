import { ownersKeys } from "../../change/merge-owner.js";
import { decideMerge, signMerge, type MergeChoice, type MergePair } from "../../change/merge-pair.js";
import { onRecord } from "../../record/on-record.js";
import { diverged } from "../../sync/compare-sides.js";
import type { MergeDiverged } from "../../sync/synced-clone.js";
import { rememberMade } from "../../trust/remember.js";

/**
 * Merges two states for an owner: by what they mean, with a person's answers where only they can tell, encrypted for the readers of the
 * result, and signed as one state that follows both.
 * @throws VaultError as `decideMerge`; `CONFLICT` (`DivergedError`) without an owner's key; `StillLocked`
 */
export function mergingBy(choice: MergeChoice): MergeDiverged {
  return async (clone, sides, join) => {
    const { context, repository, trust, followed } = clone;
    const { here, there } = sides;
    const other = { signed: there.trusted, state: there.state };
    const keys = await ownersKeys(trust, [here, other], choice, () => diverged(clone, sides));
    const branch = followed.upstream.name;
    const pair: MergePair = {
      trust,
      repository,
      here,
      there: other,
      branch,
      remote: followed.name,
    };
    const decided = await decideMerge(pair, keys, choice);
    const present = await onRecord(context, async (begin) => join(await signMerge(decided, `Merge ${branch}`, begin)));
    rememberMade(trust, present.signed);
    return present;
  };
}
