import { VaultError } from "../errors.js";
import { branchName } from "../git/full-ref.js";
import type { FetchRecord } from "../sync/fetch-record.js";
import { statesOnHome } from "../trust/memory.js";
import { readMemory } from "../trust/memory-store.js";
import type { TrustContext } from "../trust/trust-context.js";
import { goneFrom } from "./judging-states.js";

/** The error for the clone of a URL whose ref is gone, or has no vault any more. */
export function goneFromClone(trust: TrustContext, record: FetchRecord): VaultError {
  const { upstream, home, vault, remote } = record;
  const memory = vault === undefined || upstream ? undefined : readMemory(trust.context, vault);
  const seen = memory && home ? statesOnHome(memory, remote, home.ref)[0] : undefined;
  if (seen) return goneFrom(trust, record, home!, vault!, seen);
  const ref = upstream ?? home;
  return new VaultError("VAULT_NOT_FOUND", `The repository has no vault ${ref ? `on ${branchName(ref.ref)} ` : ""}any more.`, {
    remedy: "Follow another branch, URL#BRANCH; if the vault was moved, ask its owner where it is.",
  });
}

/** The error for the clone of a URL that has lost the record of what was fetched. */
export function nothingFetched(): VaultError {
  return new VaultError("GIT_FAILED", "The clone of the repository's URL says nothing of what was fetched.", {
    remedy: "Read again while the remote can be reached.",
  });
}
