import { dirname } from "node:path";
import type { Context } from "../context.js";
import { countApart, readTips } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";

/** How far a branch is from its upstream as it was last fetched. */
export interface UpstreamDistance {
  /** Such as `origin/main`. */
  readonly name: string;
  /** Commits that the upstream lacks. */
  readonly ahead: number;
  /** Commits that the branch lacks. */
  readonly behind: number;
}

/**
 * How far the branch that is checked out is from its upstream, without asking the remote; `undefined` where there is none.
 * @param root absolute path of the vault's folder
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function upstreamDistance(context: Context, root: string): Promise<UpstreamDistance | undefined> {
  const repository = await GitRepository.find(context, dirname(root));
  const tips = await readTips(repository);
  return tips && { name: tips.name, ...(await countApart(repository, tips.head, tips.upstream)) };
}
