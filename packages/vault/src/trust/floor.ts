import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { followedBy } from "./followed.js";
import type { Lineage } from "./lineage.js";
import { statesOn, type MadeState, type SeenState } from "./memory.js";
import { isPushed, statesKnownOn } from "./made-states.js";
import { readMemory } from "./memory-store.js";
import { workTreePlace } from "./place.js";
import type { TrustContext } from "./trust-context.js";

/**
 * What a new signature must follow: the newest states seen on or pushed to the ref that the branch follows, and what this very clone made
 * on the branch. What another clone made and did not push is a notice.
 */
export function floorOf(trust: TrustContext, lineage: Lineage): readonly SeenState[] {
  const { context, root } = trust;
  const memory = readMemory(context, lineage.signed.lock.vault);
  if (!memory) return [];
  const place = workTreePlace(context, root);
  if (place.kind === "folder") return memory.accepted;
  if (place.kind === "local") return statesOn(memory, place.clone, place.ref);
  if (place.kind === "fetched") return [];
  const isHere = ({ clone, ref }: MadeState) => clone === place.clone && ref === place.ref;
  const here = memory.made.filter((made) => isHere(made) && isOfBranch(made));
  const followed = followedBy(context, root);
  if (!followed?.upstream) return here;
  const { remote, upstream } = followed;
  for (const made of memory.made) {
    if (made.clone === place.clone || !isOfBranch(made) || made.follows?.remote !== remote || made.follows.ref !== upstream.ref) continue;
    if (made.lock === lineage.signed.digest || lineage.lists(made.lock) || isPushed(context, made)) continue;
    trust.warn(
      "unpushed-elsewhere",
      `Another clone of yours, ${dirname(made.folder)}, has made state ${made.sequence} of this vault and has not pushed it.`,
      `Push it there first (agent-vault -C ${basename(dirname(made.folder))} sync), or the two have to be brought together later.`,
    );
  }
  return [
    ...here,
    ...statesKnownOn(trust, lineage, memory, { remote, ref: upstream.ref, isHome: memory.remotes[remote]?.home === upstream.ref }),
  ];
}

/** Whether a branch still remembers the commit; one that was deleted and made again under the same name does not. */
function isOfBranch({ clone, ref, commit }: MadeState): boolean {
  const log = join(clone, "logs", ref);
  return !existsSync(log) || readFileSync(log, "latin1").includes(commit);
}
