import { existsSync } from "node:fs";
import { isVerificationError } from "../errors.js";
import type { VaultFiles } from "../files/vault-files.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { branchName } from "../git/full-ref.js";
import { tryOpenLock } from "../lock/open-lock.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { placeOf, readFetchRecord, type FetchedTip, type FetchRecord } from "../sync/fetch-record.js";
import { olderThanRemembered } from "../trust/errors.js";
import type { TrustContext } from "../trust/trust-context.js";
import { goneFromClone, nothingFetched } from "./gone-from-clone.js";
import { withJudges } from "./judging-states.js";
import { openFetched, verified, type ChosenState, type OpenFiles } from "./open-fetched.js";

/**
 * Chooses the one state that is read: of the work tree's and the fetched one that which lists the other, and the work tree's where neither
 * does. What was fetched is read out of git's objects. Never a mixture: all files come from one of the two.
 *
 * Beside it comes what judges its uses, by {@link withJudges}.
 * @param localOnly leaves out what was fetched, but for the rules of the main branch
 * @param isSecondLook whether nobody is half-way through a change: then what lies here and is not right is passed over for what was fetched
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
  const used = record && !localOnly ? chooseFetched(trust, record, open, isSecondLook) : verified(trust, open(trust.root));
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
  const here = open(trust.root);
  const lock = here.read(LOCK_FILE);
  const same = [upstream, home].find((tip) => tip?.lock !== undefined && lock && tip.lock === digestOf(lock));
  let local: ChosenState<Files>;
  try {
    local = verified(trust, here, same && placeOf(record, same));
  } catch (error) {
    if (!isVerificationError(error) || same || !isSecondLook) throw error;
    const state = tryOpenLock(lock, open(trust.root).read(LOCK_SIGNATURE_FILE));
    return newerThan(state?.digest, openFetched(trust, record, upstream, open)) ?? fail(error);
  }
  const fetched = same && same === upstream ? undefined : openFetched(trust, record, upstream, open, local.trusted?.lock.vault);
  if (!fetched) return local;
  if (!local.trusted || !fetched.trusted) return local.trusted ? local : fetched;
  if (fetched.trusted.lineage.lists(local.trusted.digest)) return fetched;
  if (fetched.trusted.digest !== local.trusted.digest && !local.trusted.lineage.lists(fetched.trusted.digest))
    warnOfDivergence(trust, upstream!);
  return local;
}

/**
 * What was fetched, where it lists the state that lies here and is not right, such as one that an owner signed whose key was replaced since;
 * and where what lies here is no state at all.
 */
function newerThan<Files extends VaultFiles>(
  lock: Digest | undefined,
  fetched: ChosenState<Files> | undefined,
): ChosenState<Files> | undefined {
  const { trusted } = fetched ?? {};
  return trusted && (lock === undefined || trusted.lineage.lists(lock) === true) ? fetched : undefined;
}

function fail(error: unknown): never {
  throw error;
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
