import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultFolder } from "../files/vault-folder.js";
import { mayHaveRemote } from "../git/git-folders.js";
import { GitRepository } from "../git/repository.js";
import { readSyncSettings } from "./sync-settings.js";

/**
 * The command that pushes what the vault's branch has and its upstream lacks.
 * @param root absolute path of the vault's folder
 * @returns `undefined` where there is nothing to push, or nowhere to push it to
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function pushCommand(context: Context, root: string): Promise<string | undefined> {
  if (!mayHaveRemote(context, dirname(root))) return undefined;
  const repository = await GitRepository.find(context, dirname(root));
  const ahead = await repository.try(["rev-list", "--count", "@{upstream}..HEAD"]);
  if (ahead !== undefined) return Number(ahead) > 0 ? "git push" : undefined;
  const remotes = (await repository.run(["remote"])).split("\n").filter(Boolean);
  const { sync } = await readSyncSettings(new VaultFolder(root));
  const remote = [sync.remote, "origin"].find((name) => name !== undefined && remotes.includes(name)) ?? remotes[0];
  const { ref } = await repository.head();
  return remote === undefined || ref === "HEAD" ? undefined : `git push --set-upstream ${remote} HEAD`;
}
