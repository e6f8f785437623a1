import { differenceBetween, type Difference } from "../difference/difference.js";
import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";

/** Both sides of a vault that was changed in two places, each since the last state that they share. */
export interface Divergence {
  readonly here: Difference;
  readonly there: Difference;
}

/** A vault that was changed here and on the remote. */
export class DivergedError extends VaultError {
  readonly divergence: Divergence;

  constructor(upstream: string, divergence: Divergence) {
    super("CONFLICT", `The vault was changed here and on ${upstream}, and neither state follows the other.`, {
      remedy: "Nothing was changed, and both sides keep what they have. An owner of the vault brings them together with agent-vault sync.",
    });
    this.divergence = divergence;
  }
}

/** What both sides changed since they parted. @param root the vault's folder @param tip the upstream's commit */
export async function divergence(repository: GitRepository, root: string, tip: string): Promise<Divergence> {
  const base = (await repository.try(["merge-base", "HEAD", tip]))?.trim();
  const at = async (revision: string) => new VaultState(CommitFiles.open(repository, revision, root));
  const shared = base === undefined ? undefined : await at(base).catch(() => undefined);
  return { here: differenceBetween(shared, await at("HEAD")), there: differenceBetween(shared, await at(tip)) };
}
