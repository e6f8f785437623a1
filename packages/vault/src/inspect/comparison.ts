import { differenceBetween, type Difference } from "../difference/difference.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import { LOCK_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import type { Finding } from "./finding.js";
import { assessTrust } from "./trust-assessment.js";

/** What separates the verified state from another one. */
export interface Comparison {
  /** As it was asked for. */
  readonly revision: string;
  readonly commit: string;
  /** The commit whose state is compared: the newest that both have, or `commit` where the clone does not hold it. */
  readonly base: string;
  /** Whether there was no vault, one that nobody signed, or a signed one. */
  readonly before: "absent" | "unsigned" | "signed";
  readonly difference: Difference;
}

/** A state that is compared. */
interface Compared {
  readonly repository: GitRepository | undefined;
  readonly state: VaultState;
  /** The commit that holds it; absent for the work tree. */
  readonly commit: string | undefined;
}

/**
 * Compares a state with the one at which it parted from another commit; problems of the latter are warnings.
 * @throws VaultError `INVALID_VALUE` for an unknown commit, `REPOSITORY_NOT_FOUND`
 */
export async function compare(
  context: Context,
  root: string,
  compared: Compared,
  revision: string,
): Promise<{ comparison: Comparison; findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const warn = (message: string, remedy: string, file = LOCK_FILE) =>
    findings.push({ severity: "warning", kind: "against", subject: revision, message: `${revision}: ${message}`, remedy, file });
  const repository = requireRepository(root, compared.repository);
  const commit = await repository.commitAt(revision);
  const base = await comparisonBase(repository, commit, compared.commit);
  const before = await stateAt(repository, base, root);
  const trust = before && (await assessTrust(context, root, before, before.digests(), { commit: base, isPast: true }));
  // A comparison is no reason to trust the earlier state; whether its signer can be known is said of the later one.
  for (const { kind, message, remedy, file } of trust?.findings ?? []) {
    if (kind !== "unsigned" && kind !== "signer-unknown") warn(message, remedy, file);
  }
  const difference = differenceBetween(before, compared.state);
  for (const { file, side, message } of difference.unreadable) {
    if (side === "before") warn(`what differs in ${file} cannot be determined. ${message}`, "Compare with another commit.", file);
  }
  const kind = !before ? "absent" : trust?.signed ? "signed" : "unsigned";
  return { comparison: { revision, commit, base, before: kind, difference }, findings };
}

/**
 * The commit whose state tells what a change does: the newest that the other commit and the verified one both have. What the other
 * side has done since is not this change's doing.
 * @param verified absent for the work tree, which began at HEAD
 */
async function comparisonBase(repository: GitRepository, commit: string, verified = "HEAD"): Promise<string> {
  const base = await repository.try(["merge-base", commit, verified]);
  return base?.trim() || commit;
}

/** The vault as a commit holds it, or `undefined` where it holds none. */
async function stateAt(repository: GitRepository, commit: string, root: string): Promise<VaultState | undefined> {
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
