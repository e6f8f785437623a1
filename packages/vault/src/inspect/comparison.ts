import { differenceBetween, type Difference } from "../difference/difference.js";
import type { Context } from "../context.js";
import type { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import { isAtOrBehind } from "../trust/base-state.js";
import type { Lineage } from "../trust/lineage.js";
import { againstFinding, stateAt, type ComparedWith } from "./base.js";
import type { Finding } from "./finding.js";
import { assessTrust } from "./trust-assessment.js";

/** What separates the verified state from another one. */
export interface Comparison {
  /** As it was asked for. */
  readonly revision: string;
  readonly commit: string;
  /** The commit whose state is compared: the newest that both have; `commit` where the state follows that one's, or the clone does not hold it. */
  readonly base: string;
  /** Whether there was no vault, one that nobody signed, or a signed one. */
  readonly before: "absent" | "unsigned" | "signed";
  readonly difference: Difference;
}

/**
 * Compares a state with the one at which it parted from another commit; problems of the latter are warnings.
 * @param lineage of the state, where its signer is trusted
 */
export async function compare(
  context: Context,
  root: string,
  repository: GitRepository,
  { state, lineage }: { readonly state: VaultState; readonly lineage: Lineage | undefined },
  { revision, commit, parted, base: vouching, findings: found }: ComparedWith,
): Promise<{ comparison: Comparison; findings: readonly Finding[] }> {
  const findings = [...found];
  const warn = (message: string, remedy: string, file?: string) => findings.push(againstFinding(revision, message, remedy, file));
  // What follows the other commit's state changes that. After a squash the commit that both began from holds an older one.
  const base = lineage && vouching && isAtOrBehind(vouching.lineage.signed, lineage) ? commit : parted;
  const before = await stateAt(repository, base, root);
  const trust = before && (await assessTrust(context, root, before, before.digests(), { commit: base, isPast: true }));
  // Whether the signer can be known is said of the later state.
  for (const { kind, message, remedy, file } of trust?.findings ?? []) {
    const isSaid = findings.some((finding) => finding.message === `${revision}: ${message}`);
    if (kind !== "unsigned" && kind !== "signer-unknown" && !isSaid) warn(message, remedy, file);
  }
  const difference = differenceBetween(before, state);
  for (const { file, side, message } of difference.unreadable) {
    if (side === "before") warn(`what differs in ${file} cannot be determined. ${message}`, "Compare with another commit.", file);
  }
  const kind = !before ? "absent" : trust?.signed ? "signed" : "unsigned";
  return { comparison: { revision, commit, base, before: kind, difference }, findings };
}
