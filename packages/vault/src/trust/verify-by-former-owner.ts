import { POLICY_FILE } from "../format/layout.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import { holdToLock } from "./hold-to-lock.js";
import type { Lineage } from "./lineage.js";
import { readSignedLock } from "./signer.js";
import type { TrustContext } from "./trust-context.js";
import type { FetchedState } from "./verify-fetched.js";

/**
 * A fetched state that was signed by an owner whom the state here has removed since, as may happen where both changed the vault at one
 * time. It counts for nothing but a merge over which a remaining owner decides, and is not remembered.
 * @param here the state here, trusted
 * @returns `undefined` where it is by another person, or its signatures do not lead back to a state that this one has behind it
 * @throws VaultError `BAD_SIGNATURE`, `TAMPERED`, `VAULT_NOT_FOUND`
 */
export function verifyByFormerOwner(
  trust: TrustContext,
  repository: GitRepository,
  commit: string,
  here: Lineage,
): FetchedState | undefined {
  const state = new VaultState(CommitFiles.open(repository, commit, trust.root));
  const signed = readSignedLock(state);
  if (!signed || signed.lock.vault !== here.signed.lock.vault || !here.formerOwners().includes(signed.signer)) return undefined;
  if (!trust.history.leadsBack(signed, ({ digest }) => here.lists(digest) === true)) return undefined;
  const lineage = holdToLock(trust, state, signed);
  state.signed!.requireAll();
  const trusted = {
    ...signed,
    lineage,
    isFirst: false,
    isOlder: false,
    isUnderPolicy: signed.lock.files.has(POLICY_FILE),
    requireNotOlderThanRemembered: () => {},
    remember: () => {},
    rememberWhole: () => {},
  };
  return { state, trusted };
}
