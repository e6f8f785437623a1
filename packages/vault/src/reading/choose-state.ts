import { existsSync } from "node:fs";
import { isVerificationError } from "../errors.js";
import type { VaultFiles } from "../files/vault-files.js";
import { LOCK_FILE } from "../format/layout.js";
import { branchName } from "../git/full-ref.js";
import { digestOf } from "../lock/digest.js";
import { placeOf, readFetchRecord, type FetchedTip, type FetchRecord } from "../sync/fetch-record.js";
import { olderThanRemembered } from "../trust/errors.js";
import type { TrustContext } from "../trust/trust-context.js";
import { goneFromClone, nothingFetched } from "./gone-from-clone.js";
import { openInstead } from "./instead-of-work-tree.js";
import { withJudges } from "./judging-states.js";
import { verified, type ChosenState, type OpenFiles } from "./open-fetched.js";
import { isBroken, openBehind, openFetched } from "./usable-state.js";

/**
 * Chooses the one state that is read: of the work tree's and the fetched one that which lists the other, and the work tree's where neither
 * does. What was fetched is read out of git's objects. Never a mixture: all files come from one of the two.
 *
 * Beside it comes what judges its uses, by {@link withJudges}.
 * @param localOnly leaves out what was fetched, but for the rules of the main branch
 * @param isSecondLook whether nobody is half-way through a change: then what lies here and is not right is passed over, where what was
 *   committed or fetched can be used
 * @throws VaultError as `verifyState`
 */
export function chooseState<Files extends VaultFiles>(
  trust: TrustContext,
  open: OpenFiles<Files>,
  localOnly = false,
  isSecondLook = false,
): ChosenState<Files> {
  const record = readFetchRecord(trust.root);
  if (!record && trust.context.repositoryUrl) throw nothingFetched();
  const counting = localOnly ? undefined : record;
  const used = counting ? chooseFetched(trust, counting, open, isSecondLook) : openHere(trust, undefined, open, isSecondLook);
  return withJudges(trust, record, used, open, localOnly);
}

/**
 * Chooses again, where a file of the state that was chosen is not what was signed, and nobody is half-way through a change.
 * @param problem what is wrong with it
 * @throws `problem` where no other state can be used
 */
export function chooseInstead<Files extends VaultFiles>(
  trust: TrustContext,
  open: OpenFiles<Files>,
  { tip, trusted }: ChosenState<Files>,
  problem: unknown,
  localOnly = false,
): ChosenState<Files> {
  const record = readFetchRecord(trust.root);
  const counting = localOnly ? undefined : record;
  const isTip = counting !== undefined && tip !== undefined;
  const used = isTip
    ? isBroken(problem) && openBehind(trust, counting, tip, open, problem, trusted?.lock.vault)
    : openInstead(trust, counting, open, problem);
  if (!used) throw problem;
  return withJudges(trust, record, used, open, localOnly);
}

function chooseFetched<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  open: OpenFiles<Files>,
  isSecondLook: boolean,
): ChosenState<Files> {
  const { upstream, home } = record;
  // A clone of a URL has no work tree.
  const only = existsSync(trust.root) ? undefined : openFetched(trust, record, upstream ?? home, open);
  if (only) return only;
  if (trust.context.repositoryUrl) throw goneFromClone(trust, record);
  const lock = lockHere(trust, open);
  const same = [upstream, home].find((tip) => tip?.lock !== undefined && lock && tip.lock === digestOf(lock));
  const local = openHere(trust, record, open, isSecondLook, same);
  const fetched = same && same === upstream ? undefined : openFetched(trust, record, upstream, open, local.trusted?.lock.vault);
  if (!fetched) return local;
  if (!local.trusted || !fetched.trusted) return local.trusted ? local : fetched;
  if (fetched.trusted.lineage.lists(local.trusted.digest)) return fetched;
  if (fetched.trusted.digest !== local.trusted.digest && !local.trusted.lineage.lists(fetched.trusted.digest))
    warnOfDivergence(trust, upstream!);
  return local;
}

/** The bytes of the lock in the work tree; what is wrong with it shows where it is verified. */
function lockHere<Files extends VaultFiles>(trust: TrustContext, open: OpenFiles<Files>): Uint8Array | undefined {
  try {
    return open(trust.root).read(LOCK_FILE);
  } catch (error) {
    if (!isVerificationError(error)) throw error;
    return undefined;
  }
}

/** The state that lies in the work tree. @param same a remote's ref with the very same state, which is as good as that ref */
function openHere<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord | undefined,
  open: OpenFiles<Files>,
  isSecondLook: boolean,
  same?: FetchedTip,
): ChosenState<Files> {
  try {
    return verified(trust, open(trust.root), record && same && placeOf(record, same));
  } catch (error) {
    if (!isVerificationError(error) || !isSecondLook) throw error;
    return openInstead(trust, record, open, error);
  }
}

/** Requires that the rules of the main branch are here, where rules judge. @throws VaultError `ROLLBACK` */
export function requireHomeRules({ trusted, missing }: ChosenState<VaultFiles>): void {
  trusted?.requireNotOlderThanRemembered();
  if (trusted && missing) throw olderThanRemembered(trusted, missing);
}

function warnOfDivergence(trust: TrustContext, { ref }: FetchedTip): void {
  const branch = branchName(ref);
  trust.warn(
    "diverged",
    `The vault was changed here and on the remote's ${branch}, so what is here is read.`,
    "Bring the two together: agent-vault sync.",
  );
}
