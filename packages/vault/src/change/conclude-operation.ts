import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { NO_HOOKS } from "../git/environment.js";
import { gitFailed } from "../git/errors.js";
import { GitRepository } from "../git/repository.js";
import { andMore } from "../text/counts.js";

/** A rebase may stop at each of its commits. */
const MAX_STOPS = 1000;

/**
 * Ends a merge, rebase, cherry-pick or revert of the person's that stopped at nothing but files of the vault, such as one that a side deleted
 * and the other changed: git asks no driver about these. Whatever is in them counts for nothing, as the states are merged and signed then.
 * @param root the vault's folder
 * @throws VaultError `REPOSITORY_BUSY` where other files conflict, or nothing does and the person has not ended it; `GIT_FAILED`
 */
export async function concludeOperation(context: Context, root: string): Promise<void> {
  const repository = await GitRepository.find(context, dirname(root));
  for (let stop = 0; stop < MAX_STOPS; stop++) {
    const operation = repository.unfinishedOperation();
    if (operation === undefined) return;
    const conflicts = await conflictingFiles(repository);
    if (conflicts.length === 0) return repository.requireNoOperation();
    await takeAsTheyAre(
      repository,
      conflicts.filter((file) => isBelow(repository, root, file)),
    );
    const others = conflicts.filter((file) => !isBelow(repository, root, file));
    if (others.length > 0) throw otherConflicts(operation, others);
    context.note?.(`Going on with the ${operation}, which stopped at files of the vault alone.`);
    await goOn(repository, operation);
  }
  repository.requireNoOperation();
}

async function conflictingFiles(repository: GitRepository): Promise<string[]> {
  const entries = (await repository.run(["ls-files", "--unmerged", "-z"])).split("\0").filter(Boolean);
  return [...new Set(entries.map((entry) => entry.slice(entry.indexOf("\t") + 1)))];
}

function isBelow(repository: GitRepository, root: string, file: string): boolean {
  return file.startsWith(`${repository.pathOf(root)}/`);
}

async function takeAsTheyAre(repository: GitRepository, files: readonly string[]): Promise<void> {
  const names = (list: readonly string[]) => Buffer.from(list.map((file) => `${file}\0`).join(""));
  const isThere = (file: string) => existsSync(join(repository.workTree, file));
  const [present, gone] = [files.filter(isThere), files.filter((file) => !isThere(file))];
  if (present.length > 0) await repository.run(["update-index", "--add", "-z", "--stdin"], { input: names(present) });
  if (gone.length > 0) await repository.run(["update-index", "--force-remove", "-z", "--stdin"], { input: names(gone) });
}

/** A rebase that stops again at its next commit fails as well, and is looked at again. As in each commit of ours, no hook runs. */
async function goOn(repository: GitRepository, operation: string): Promise<void> {
  const own = operation === "merge" ? ["commit", "--no-edit"] : [operation, "--continue"];
  const args = [...NO_HOOKS, "-c", "core.editor=true", ...own];
  const { exit, stderr } = await repository.output(args);
  const hasStopped = repository.unfinishedOperation() !== undefined && (await conflictingFiles(repository)).length > 0;
  if (exit !== 0 && !hasStopped) throw gitFailed({ args, exit, stderr });
}

function otherConflicts(operation: string, files: readonly string[]): VaultError {
  return new VaultError("REPOSITORY_BUSY", `Files beside the vault conflict in this ${operation}: ${andMore(files, 5)}.`, {
    remedy: `Those of the vault are settled. Resolve the others and git add them, end it with git ${operation} --continue, then run agent-vault sync; or give it up: git ${operation} --abort.`,
  });
}
