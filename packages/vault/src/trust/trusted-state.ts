import { dirname } from "node:path";
import { CommitFiles } from "../files/commit-files.js";
import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { VaultState } from "../files/vault-state.js";
import { LockHistory } from "./lock-history.js";
import type { SignedLock } from "../lock/open-lock.js";
import { MAX_SEQUENCE_STEP, type VaultTrust } from "./vault-trust.js";

/** A signed state as a commit holds it, whole. */
export interface CommittedState {
  readonly commit: string;
  readonly signed: SignedLock;
  readonly state: VaultState;
}

/**
 * The newest state behind HEAD that a trusted owner signed, whatever was committed on top of it.
 * @param root the vault's folder
 * @returns `undefined` where there is none
 */
export async function findTrustedState(context: Context, root: string, trust: VaultTrust): Promise<CommittedState | undefined> {
  const repository = await GitRepository.find(context, dirname(root));
  const history = await LockHistory.read(context, root);
  const states = [...history.head.behind].map(([digest, commits]) => ({ signed: history.get(digest)!, commits }));
  for (const { signed, commits } of newestFirst(states, history)) {
    for (const commit of commits) {
      try {
        const state = new VaultState(await CommitFiles.read(repository, commit, root));
        await trust.verifyPast(state);
        state.signed!.requireAll();
        return { commit, signed, state };
      } catch (error) {
        if (!isVerificationError(error) && !(error instanceof VaultError && error.code === "VAULT_NOT_FOUND")) throw error;
      }
    }
  }
  return undefined;
}

function newestFirst<T extends { readonly signed: SignedLock }>(states: readonly T[], history: LockHistory): T[] {
  const sorted = states.toSorted((a, b) => b.signed.lock.sequence - a.signed.lock.sequence);
  const isDrivenUp = ({ lock }: SignedLock) => lock.sequence > MAX_SEQUENCE_STEP;
  if (!sorted[0] || !isDrivenUp(sorted[0].signed)) return sorted;
  // A count that was driven up starts anew with a new key, and only the chain tells what came after.
  const anew = new Set(sorted.filter(({ signed }) => !isDrivenUp(signed) && history.leadsBack(signed, isDrivenUp)));
  return [...anew, ...sorted.filter((state) => !anew.has(state))];
}
