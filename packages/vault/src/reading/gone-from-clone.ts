import { dirname } from "node:path";
import { VaultError } from "../errors.js";
import { branchName } from "../git/full-ref.js";
import { GitRepository } from "../git/repository.js";
import type { FetchRecord } from "../sync/fetch-record.js";
import { vaultGone, vaultMoved } from "../trust/errors.js";
import { statesOnHome } from "../trust/memory.js";
import { readMemory } from "../trust/memory-store.js";
import { findMovedVault } from "../trust/moved-vault.js";
import type { TrustContext } from "../trust/trust-context.js";

/** The error for the clone of a URL whose ref is gone, or has no vault any more. */
export function goneFromClone(trust: TrustContext, { upstream, home, vault, remote, path }: FetchRecord): VaultError {
  const tip = upstream ?? home;
  if (tip?.commit !== undefined && vault !== undefined) {
    const moved = findMovedVault(GitRepository.locate(trust.context, dirname(trust.root)), tip.commit, vault);
    if (moved !== undefined) return vaultMoved(tip.ref, path, moved, true);
  }
  const memory = vault === undefined || upstream ? undefined : readMemory(trust.context, vault);
  const seen = memory && home ? statesOnHome(memory, remote, home.ref)[0] : undefined;
  if (seen) return vaultGone(remote, home!.ref, seen);
  return new VaultError("VAULT_NOT_FOUND", `The repository has no vault ${tip ? `on ${branchName(tip.ref)} ` : ""}any more.`, {
    remedy: "Follow another branch, URL#BRANCH; if the vault was moved, ask its owner where it is.",
  });
}

/** The error for the clone of a URL that has lost the record of what was fetched. */
export function nothingFetched(): VaultError {
  return new VaultError("GIT_FAILED", "The clone of the repository's URL says nothing of what was fetched.", {
    remedy: "Read again while the remote can be reached.",
  });
}
