import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";

/** Fails as a change of this vault would while the person is in the middle of a merge or the like. @throws VaultError `REPOSITORY_BUSY` */
export async function requireNoGitOperation(context: Context, root: string): Promise<void> {
  (await GitRepository.find(context, dirname(root))).requireNoOperation();
}

/**
 * Fails where git does not take all files of the vault for files of this work tree.
 * @param folder the vault's, relative to the work tree, with `/`
 * @throws VaultError `CONFLICT`
 */
export async function requireWholeVault(repository: GitRepository, folder: string): Promise<void> {
  const entries = await repository.run(["ls-files", "-z", "-t", "--stage", "--", `:(top,literal)${folder}`]);
  if (/(?:^|\0). 160000 /.test(entries) || existsSync(join(repository.workTree, folder, ".git"))) {
    throw new VaultError("CONFLICT", `${folder} is or holds a git repository of its own, or a submodule.`, {
      remedy:
        "A vault belongs to the repository around it: git rm --cached the submodule, remove .git from that folder and commit its files.",
    });
  }
  if (/(?:^|\0)S /.test(entries)) {
    throw new VaultError("CONFLICT", `This work tree leaves out files of ${folder} (sparse checkout or skip-worktree).`, {
      remedy: `Bring them back first: git sparse-checkout add ${folder}, or git update-index --no-skip-worktree FILE.`,
    });
  }
}
