import { isVerificationError } from "../errors.js";
import { POLICY_FILE, STATES_FILE } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { SignedLock } from "../lock/open-lock.js";
import { olderThanRemembered, rollback, unsigned } from "./errors.js";
import { refuseSuperseded, requireOrder, requireValid } from "./freshness.js";
import { knownOf } from "./known.js";
import { holdToLock } from "./hold-to-lock.js";
import type { Lineage } from "./lineage.js";
import type { SeenState } from "./memory.js";
import { workTreePlace, type Place } from "./place.js";
import { rememberAt, rememberWhole, type Verified } from "./remember.js";
import { requireFloor } from "./require-floor.js";
import { readSignedLock, requireNeverSigned, requireTrustedSigner, requireVaultOfKey, requireVaultOfPlace } from "./signer.js";
import type { TrustContext } from "./trust-context.js";
import { verifySigner } from "./verify-signer.js";

/** A state that was verified, and is remembered once all that was read of it has been found right. */
export interface TrustedState extends SignedLock {
  /** The states behind it. */
  readonly lineage: Lineage;
  /** Whether nothing of this vault was remembered before. */
  readonly isFirst: boolean;
  /** Whether a newer state was seen before in its place; such a state is read with a warning and never remembered. */
  readonly isOlder: boolean;
  /** Whether the newest state that was seen has a policy. */
  readonly isUnderPolicy: boolean;
  /** Refuses a state before the newest, where what was decided since must hold. @throws VaultError `ROLLBACK` */
  requireNotOlderThanRemembered(): void;
  /** Remembers the state as the newest one of its place, and who may sign the next. */
  remember(): void;
  /** As `remember`, for a state of which nothing was read: where all that judges uses of it is what was signed. */
  rememberWhole(): void;
}

/**
 * The order in which a vault is trusted, for every command, tool and call, in files as in git's objects. Each line stops an attack by
 * someone who can push to the repository, and nothing is read before the lines above it have passed.
 * @param place where the files come from; the work tree unless set
 * @returns `undefined` for a vault that was never signed, where nothing says that it should be
 * @throws VaultError `UNSIGNED`, `BAD_SIGNATURE`, `TOO_NEW`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`
 */
export function verifyState(
  trust: TrustContext,
  files: VaultFiles,
  place: Place = workTreePlace(trust.context, trust.root),
): TrustedState | undefined {
  // Forgery: the bytes of vault.lock are what some key has signed.
  const signed = readSignedLock(files);
  // Stripping: a vault that was signed once, or whose owner is known, comes back without its signature.
  if (!signed) return requireNeverSigned(trust, files);
  // Substitution of the vault: another one, with owners of its own, lies in this one's place.
  requireVaultOfKey(trust, signed);
  requireVaultOfPlace(trust, signed, place);
  const known = knownOf(trust, signed);
  // Swap and substitution of files: from here on each is read once, and given out only where its digest is the one that was signed
  // for its path. So what is parsed and decrypted are the bytes that were checked.
  const lineage = holdToLock(trust, files, signed);
  readAhead(files);
  // Recipient injection: the manifest is edited and signed with the attacker's own key.
  requireTrustedSigner(trust, lineage, files, known);
  // Rollback: an old state, truly signed, brings a removed agent back. Fast-forward: a sequence so high that true updates look old.
  const newer = requireOrder(trust, lineage, place, known);
  // Rollback on first sight: the old state was committed on top of the newer one.
  if (!known.memory) refuseSuperseded(trust, signed, place.kind === "fetched" ? place.commit : "HEAD");
  if (place.kind === "fetched" && place.isHome && place.superseded) throw rollback(signed, place.superseded);
  // Freeze: one old state is served for ever.
  requireValid(trust, signed);
  return trustedState(trust, { lineage, files, known, place }, newer);
}

/**
 * Verifies the state that an owner is about to change: as {@link verifyState}, and it must be signed and be or follow all that was made
 * here or seen on the remote, since the next signature would bring an old state back for good.
 * @throws VaultError as `verifyState`
 */
export function verifyStateForChange(trust: TrustContext, files: VaultFiles): TrustedState {
  const state = verifyState(trust, files);
  if (!state) throw unsigned("The state of this vault is not signed.");
  requireFloor(trust, state.lineage);
  if (!state.isFirst) refuseSuperseded(trust, state);
  return state;
}

/**
 * Verifies a state of the past: by its signature and its signer, whatever came after it.
 * @throws VaultError `UNSIGNED`, `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`
 */
export function verifyPastState(trust: TrustContext, files: VaultFiles): SignedLock & { readonly lineage: Lineage } {
  const lineage = verifySigner(trust, files);
  if (!lineage) throw unsigned("This state of the vault is not signed.");
  return { ...lineage.signed, lineage };
}

/** Reads what is behind a state while all files are of one state, since it may be asked for later. The one who asks meets what is wrong. */
function readAhead(files: VaultFiles): void {
  try {
    files.read(STATES_FILE);
  } catch (error) {
    if (!isVerificationError(error)) throw error;
  }
}

function trustedState(trust: TrustContext, verified: Verified, newer: SeenState | undefined): TrustedState {
  const { lineage, known } = verified;
  const { signed } = lineage;
  return {
    ...signed,
    lineage,
    isFirst: !known.memory,
    isOlder: newer !== undefined,
    isUnderPolicy: newer?.policy ?? signed.lock.files.has(POLICY_FILE),
    requireNotOlderThanRemembered: () => {
      if (newer) throw olderThanRemembered(signed, newer);
    },
    remember: () => (newer ? undefined : rememberAt(trust, verified)),
    rememberWhole: () => (newer ? undefined : rememberWhole(trust, verified)),
  };
}
