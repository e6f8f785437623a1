import { dirname } from "node:path";
import { isVerificationError, VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import { GitRepository } from "../git/repository.js";
import type { SignedLock } from "../lock/open-lock.js";
import { hasInflatedSequence } from "./freshness.js";
import type { Lineage } from "./lineage.js";
import type { LockHistory } from "./lock-history.js";
import type { TrustContext } from "./trust-context.js";
import { verifyPastState } from "./verify.js";

/** A signed state as a commit holds it, whole. */
export interface CommittedState {
  readonly commit: string;
  readonly signed: SignedLock & { readonly lineage: Lineage };
  readonly state: VaultState;
}

/** The newest state behind HEAD that a trusted owner signed, whatever was committed on top of it; `undefined` where there is none. */
export async function findTrustedState(trust: TrustContext): Promise<CommittedState | undefined> {
  const { context, root, history } = trust;
  const repository = await GitRepository.find(context, dirname(root));
  const states = [...history.head.behind].map(([digest, commits]) => ({ signed: history.get(digest)!, commits }));
  for (const { commits } of newestFirst(states, history)) {
    for (const commit of commits) {
      try {
        return await readTrustedState(trust, repository, commit);
      } catch (error) {
        if (!isVerificationError(error) && !(error instanceof VaultError && error.code === "VAULT_NOT_FOUND")) throw error;
      }
    }
  }
  return undefined;
}

/**
 * The state that a commit holds, by a trusted owner and with every file as it was signed, whatever came after it.
 * @throws VaultError as `verifyPastState`, `TAMPERED`, `VAULT_NOT_FOUND` where the commit holds no vault
 */
export async function readTrustedState(trust: TrustContext, repository: GitRepository, commit: string): Promise<CommittedState> {
  const state = new VaultState(CommitFiles.open(repository, commit, trust.root));
  const signed = verifyPastState(trust, state);
  state.signed!.requireAll();
  return { commit, signed, state };
}

function newestFirst<T extends { readonly signed: SignedLock }>(states: readonly T[], history: LockHistory): T[] {
  const sorted = states.toSorted((a, b) => b.signed.lock.sequence - a.signed.lock.sequence);
  const isInflated = ({ lock }: SignedLock) => hasInflatedSequence(lock);
  if (!sorted[0] || !isInflated(sorted[0].signed)) return sorted;
  // An inflated sequence starts again with a new key, and only the chain tells what came after.
  const restarted = new Set(sorted.filter(({ signed }) => !isInflated(signed) && history.leadsBack(signed, isInflated)));
  return [...restarted, ...sorted.filter((state) => !restarted.has(state))];
}
