import { removeCrashReport, SCRATCH_REF } from "./commit-tree.js";
import { NO_HOOKS } from "./environment.js";
import type { GitRepository } from "./repository.js";

/** A commit as it would be with another tree in place of one folder. */
export interface StandIn {
  /** Commits that exist, or earlier stand-ins by their number, from 1. */
  readonly parents: readonly (string | number)[];
  /** The id of the tree of everything else. */
  readonly tree: string;
  /** The id of the folder's tree; `undefined` where there is to be no such folder. */
  readonly inFolder: string | undefined;
}

/**
 * Makes commits that stand in for others where git joins them. No ref names them, so that git drops them in time.
 * @param folder relative to the work tree, with `/`
 * @returns their ids
 */
export async function makeStandIns(repository: GitRepository, folder: string, standIns: readonly StandIn[]): Promise<string[]> {
  const path = `"${folder.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
  const none = "0".repeat(repository.objectFormat === "sha256" ? 64 : 40);
  const commands = standIns.flatMap(({ parents, tree, inFolder }, index) => [
    `reset ${SCRATCH_REF}\n`,
    `commit ${SCRATCH_REF}\nmark :${index + 1}\ncommitter agent-vault <agent-vault> 0 +0000\ndata 0`,
    ...parents.map((parent, order) => `${order === 0 ? "from" : "merge"} ${typeof parent === "number" ? `:${parent}` : parent}`),
    `M 040000 ${tree} ""`,
    inFolder === undefined ? `D ${path}\n` : `M 040000 ${inFolder} ${path}\n`,
    `get-mark :${index + 1}`,
  ]);
  const input = Buffer.from(["feature done", ...commands, `reset ${SCRATCH_REF}\nfrom ${none}\n\ndone\n`].join("\n"));
  const args = [...NO_HOOKS, "fast-import", "--quiet", "--force", "--date-format=raw", "--cat-blob-fd=1"];
  const output = await repository.run(args, { input }).catch((error: unknown) => {
    removeCrashReport(repository, error);
    throw error;
  });
  return output.trim().split("\n");
}
