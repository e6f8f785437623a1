import { dirname } from "node:path";
import { VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { forked } from "./errors.js";
import { floorOf } from "./floor.js";
import { followedBy } from "./followed.js";
import type { MadeState, SeenState } from "./memory.js";
import { readTrustedState, type CommittedState } from "./newest-trusted-state.js";
import type { TrustContext } from "./trust-context.js";

/**
 * The newest state that a new one would have to follow, where the work tree lies at an older one: with its files, out of git's objects.
 * @param here the newest state behind HEAD
 * @returns `here` where nothing newer is known
 * @throws VaultError `ROLLBACK` where the repository does not hold the newest state, `FORKED` where there are several
 */
export async function findNewestKnownState(trust: TrustContext, here: CommittedState): Promise<CommittedState> {
  const { lineage } = here.signed;
  const isBehind = ({ lock }: SeenState) => lock === here.signed.digest || lineage.lists(lock) === true;
  const known = floorOf(trust, lineage).filter((seen) => !isBehind(seen));
  if (known.length === 0) return here;
  const repository = await GitRepository.find(trust.context, dirname(trust.root));
  const states: CommittedState[] = [];
  for (const seen of new Map(known.map((seen) => [seen.lock, seen])).values()) states.push(await committed(trust, repository, seen));
  const isListed = ({ signed }: CommittedState) => states.some((other) => other.signed.lineage.lists(signed.digest));
  const [newest, another] = states.filter((state) => !isListed(state));
  if (another) throw forked(newest!.signed, { sequence: another.signed.lock.sequence, lock: another.signed.digest });
  return newest!;
}

async function committed(trust: TrustContext, repository: GitRepository, seen: SeenState & Partial<MadeState>): Promise<CommittedState> {
  const commits = [...(seen.commit === undefined ? [] : [seen.commit]), ...trust.history.commitsWith(seen.lock)];
  for (const commit of commits) {
    try {
      const found = await readTrustedState(trust, repository, commit);
      if (found.signed.digest === seen.lock) return found;
    } catch (error) {
      // A commit that was dropped may be gone, and another one of the same state may lack files.
      if (!(error instanceof VaultError)) throw error;
    }
  }
  const remote = followedBy(trust.context, trust.root)?.name;
  const fetching =
    remote === undefined ? "the clone that it was made in (git fetch CLONE BRANCH:BRANCH)" : `the remote (git fetch ${remote})`;
  throw new VaultError(
    "ROLLBACK",
    `The newest state of this vault that is known is ${seen.sequence}, and this repository does not hold it.`,
    {
      remedy: `Fetch it from ${fetching}, then run the command again. What would be signed has to be compared with it.`,
    },
  );
}
