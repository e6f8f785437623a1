import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultFiles } from "../files/vault-files.js";
import { VaultState } from "../files/vault-state.js";
import { LOCK_FILE, STATES_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import { findKeys } from "../keys/find-key.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { signerLocks } from "../lock/signer-locks.js";
import type { BaseState } from "../trust/base-state.js";
import type { Lineage } from "../trust/lineage.js";
import { TrustContext } from "../trust/trust-context.js";
import { verifySigner } from "../trust/verify-signer.js";
import type { Finding } from "./finding.js";

/** What a state is compared with. */
export interface ComparedWith {
  readonly revision: string;
  readonly commit: string;
  /** The commit that both began from, or `commit` where the clone does not hold it. */
  readonly parted: string;
  /** What vouches for the state, where it is signed by a trusted key. */
  readonly base: BaseState | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Opens what a state is compared with.
 * @param verified the commit that is verified; absent for the work tree, which began at HEAD
 * @throws VaultError `INVALID_VALUE` for an unknown commit
 */
export async function openBase(
  context: Context,
  root: string,
  repository: GitRepository,
  revision: string,
  verified = "HEAD",
): Promise<ComparedWith> {
  const commit = await repository.commitAt(revision);
  const mergeBase = (await repository.try(["merge-base", commit, verified]))?.trim() || undefined;
  const parted = mergeBase ?? commit;
  const findings: Finding[] = [];
  const lineageAt = async (at: string) => {
    const state = await stateAt(repository, at, root);
    return (
      state && lineageOf(context, root, state, ({ message, remedy }) => findings.push(againstFinding(revision, message, remedy ?? "")))
    );
  };
  const tip = await lineageAt(commit);
  const lineage = tip && { tip, parted: mergeBase === undefined ? undefined : mergeBase === commit ? tip : await lineageAt(mergeBase) };
  const base = lineage && { revision, lineage: lineage.tip, parted: lineage.parted, isPartedKnown: mergeBase !== undefined };
  return { revision, commit, parted, base, findings };
}

/** The states behind a state that a trusted key has signed, or any key where nothing is known. @param report takes what speaks against it */
function lineageOf(context: Context, root: string, state: VaultState, report: (error: VaultError) => void): Lineage | undefined {
  const files = new VaultFiles(state.source);
  const keys = findKeys(context, { vaultId: () => vaultIdIn(files) });
  const trust = new TrustContext(context, root, keys, () => {}, {});
  try {
    const lineage = verifySigner(trust, files);
    if (!lineage) return undefined;
    // What it vouches by is read now, so that what is wrong with it is said of this state and not of the one that is compared.
    files.read(STATES_FILE);
    signerLocks(files, lineage.signed.lock.vault);
    return lineage;
  } catch (error) {
    if (!isVerificationError(error)) throw error;
    report(error);
    return undefined;
  }
}

/** What speaks against the state that another one is compared with. */
export function againstFinding(revision: string, message: string, remedy: string, file = LOCK_FILE): Finding {
  return { severity: "warning", kind: "against", subject: revision, message: `${revision}: ${message}`, remedy, file };
}

/** The vault as a commit holds it, or `undefined` where it holds none. */
export async function stateAt(repository: GitRepository, commit: string, root: string): Promise<VaultState | undefined> {
  try {
    return new VaultState(CommitFiles.open(repository, commit, root));
  } catch (error) {
    if (error instanceof VaultError && error.code === "VAULT_NOT_FOUND") return undefined;
    throw error;
  }
}

/** @throws VaultError `REPOSITORY_NOT_FOUND` */
export function requireRepository(root: string, repository: GitRepository | undefined): GitRepository {
  if (repository) return repository;
  throw new VaultError("REPOSITORY_NOT_FOUND", `${root} is not in a git repository, so there are no commits.`, {
    remedy: "Leave out --at and --against, or run the command in a clone.",
  });
}
