import { dirname } from "node:path";
import { isVerificationError, type VaultError } from "../errors.js";
import type { VaultFiles } from "../files/vault-files.js";
import { CONFIG_FILE, MANIFEST_FILE, POLICY_FILE } from "../format/layout.js";
import { GitError } from "../git/errors.js";
import { mayHaveRemote } from "../git/git-folders.js";
import { GitRepository } from "../git/repository.js";
import type { Digest } from "../lock/digest.js";
import type { FetchedTip, FetchRecord } from "../sync/fetch-record.js";
import { isAtOrBehind } from "../trust/base-state.js";
import { vaultGone, vaultMoved } from "../trust/errors.js";
import { followedBy } from "../trust/followed.js";
import { allStatesOnHome, statesOnHome, type Memory, type SeenState } from "../trust/memory.js";
import { readMemory, rememberedAncestry } from "../trust/memory-store.js";
import { findMovedVault } from "../trust/moved-vault.js";
import { rememberedRules } from "../trust/remembered-rules.js";
import type { TrustContext } from "../trust/trust-context.js";
import type { TrustedState } from "../trust/verify.js";
import type { ChosenState, OpenFiles } from "./open-fetched.js";
import { isBroken, openBehind, openFetched } from "./usable-state.js";

/**
 * Finds what judges beside the state that is used: the rules of the vault's main branch, as it was fetched, and as this machine remembers it.
 * Rules are never older than what is known, or anyone who can push a branch at an old commit would choose the policy, and so would anyone who
 * can keep a checkout from asking its remote.
 * @param record what was fetched; absent where the remote was never asked from here
 * @param localOnly whether what was fetched is left out, but for these rules
 * @throws VaultError `ROLLBACK` where the vault is gone from its main branch, and as `verifyState` of that branch
 */
export function withJudges<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord | undefined,
  used: ChosenState<Files>,
  open: OpenFiles<Files>,
  localOnly: boolean,
): ChosenState<Files> {
  const { trusted } = used;
  if (!trusted) return used;
  const memory = readMemory(trust.context, trusted.lock.vault);
  if (!record?.home) return withRemembered(trust, used, memory ? uncovered(statesOfRemote(trust, memory, trusted), trusted) : [], open);
  const { home, remote } = record;
  const isHome = home.lock === trusted.digest;
  const main = isHome ? undefined : openHome(trust, record, trusted, open, localOnly);
  const seen = memory ? statesOnHome(memory, remote, home.ref) : [];
  if (!isHome && !main && seen[0] && !localOnly) throw goneFrom(trust, record, home, trusted.lock.vault, seen[0]);
  const known = uncovered(seen, trusted, main?.trusted);
  const isPassed = (digest: Digest) =>
    trusted.lineage.lists(digest) === true ||
    known.some(({ lock }) => rememberedAncestry(trust.context, trusted.lock.vault, lock)?.has(digest) === true);
  const judging = main?.trusted && !isPassed(main.trusted.digest) ? [main.files] : [];
  const remember = () => {
    trusted.remember();
    main?.trusted?.rememberWhole();
  };
  return withRemembered(trust, { ...used, trusted: { ...trusted, remember }, homes: judging }, known, open);
}

/** The state of the main branch as it was fetched, by which uses are judged. Where what was fetched does not count, what is wrong with it does not either. */
function openHome<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  trusted: TrustedState,
  open: OpenFiles<Files>,
  localOnly: boolean,
): ChosenState<Files> | undefined {
  try {
    const main = openFetched(trust, record, record.home, open, trusted.lock.vault);
    return main?.tip && openRules(trust, record, main, main.tip, open);
  } catch (error) {
    if (localOnly && isVerificationError(error)) return undefined;
    throw error;
  }
}

/** The state itself where its rules are what was signed, else one behind it. @throws VaultError what is wrong with them */
function openRules<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  main: ChosenState<Files>,
  tip: FetchedTip,
  open: OpenFiles<Files>,
): ChosenState<Files> {
  try {
    for (const file of [MANIFEST_FILE, POLICY_FILE, CONFIG_FILE]) main.files.read(file);
    return main;
  } catch (error) {
    const behind = isBroken(error) && openBehind(trust, record, tip, open, error, main.trusted?.lock.vault);
    if (behind) return behind;
    throw error;
  }
}

/** Adds what the memory has kept of states of the main branch. */
function withRemembered<Files extends VaultFiles>(
  trust: TrustContext,
  used: ChosenState<Files>,
  states: readonly SeenState[],
  open: OpenFiles<Files>,
): ChosenState<Files> {
  const homes = [...(used.homes ?? [])];
  let missing: SeenState | undefined;
  for (const state of states) {
    const rules = rememberedRules(trust.context, used.trusted!.lock.vault, state.lock, trust.root);
    if (rules) {
      const files = open(rules.source);
      files.vouch(rules.vouched);
      homes.push(files);
    } else missing ??= state;
  }
  return { ...used, homes, missing };
}

/** States that none of these is, or lists. */
function uncovered(states: readonly SeenState[], ...covering: (TrustedState | undefined)[]): SeenState[] {
  const isCovered = (digest: Digest) => covering.some((state) => state !== undefined && isAtOrBehind({ digest }, state.lineage));
  return states.filter(({ lock }) => !isCovered(lock));
}

/**
 * What is known of the main branch where nothing was fetched of it from here, as in a fresh checkout that cannot ask its remote. Without a
 * remote, the policy of the newest state that was accepted counts on every branch.
 */
function statesOfRemote(trust: TrustContext, memory: Memory, trusted: TrustedState): readonly SeenState[] {
  const accepted = memory.accepted.filter(({ policy }) => policy);
  const onHome = allStatesOnHome(memory);
  // Most checkouts are at the newest state, and git need not be asked what they follow.
  if (uncovered(onHome, trusted).length === 0 || !mayHaveRemote(trust.context, dirname(trust.root))) return accepted;
  const remote = remoteOf(trust);
  if (remote === undefined) return accepted;
  const home = memory.remotes[remote]?.home;
  return home === undefined ? accepted : statesOnHome(memory, remote, home);
}

function remoteOf({ context, root }: TrustContext): string | undefined {
  try {
    return followedBy(context, root)?.remote;
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

/** The error for a vault that is not on its main branch any more, where it was. */
function goneFrom(trust: TrustContext, { remote, path }: FetchRecord, home: FetchedTip, vaultId: string, seen: SeenState): VaultError {
  const repository = GitRepository.locate(trust.context, dirname(trust.root));
  const moved = home.commit === undefined ? undefined : findMovedVault(repository, home.commit, vaultId);
  return moved === undefined ? vaultGone(remote, home.ref, seen) : vaultMoved(home.ref, path, moved);
}
