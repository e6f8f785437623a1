import { POLICY_FILE } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { SignedLock } from "../lock/open-lock.js";
import { SignedFiles } from "../lock/signed-files.js";
import { TreeListCache } from "../lock/tree-list-cache.js";
import { olderThanRemembered, unsigned } from "./errors.js";
import { isOlderThanRemembered, refuseSuperseded, requireNotBehindRemote, requireValid } from "./freshness.js";
import { knownOf, recordAccepted, type Known } from "./known.js";
import { readSignedLock, requireNeverSigned, requireTrustedSigner, requireVaultOfKey } from "./signer.js";
import type { TrustContext } from "./trust-context.js";

/** A state that was verified, and is remembered once all that was read of it has been found right. */
export interface TrustedState extends SignedLock {
  /** Whether nothing of this vault was remembered before. */
  readonly isFirst: boolean;
  /** Whether a newer state was seen before; such a state is read with a warning and never remembered. */
  readonly isOlder: boolean;
  /** Whether the newest state that was seen has a policy. */
  readonly isUnderPolicy: boolean;
  /** Refuses a state before the newest, where what was decided since must hold. @throws VaultError `ROLLBACK` */
  requireNotOlderThanRemembered(): void;
  /** Remembers the state as the newest one, and who may sign the next. */
  remember(): void;
}

/**
 * The order in which a vault is trusted, for every command, tool and call. Each line stops an attack by someone who can push to the
 * repository, and nothing is read before the lines above it have passed.
 * @returns `undefined` for a vault that was never signed, where nothing says that it should be
 * @throws VaultError `UNSIGNED`, `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`
 */
export function verifyState(trust: TrustContext, files: VaultFiles): TrustedState | undefined {
  // Forgery: the bytes of vault.lock are what some key has signed.
  const signed = readSignedLock(files);
  // Stripping: a vault that was signed once, or whose owner is known, comes back without its signature.
  if (!signed) return requireNeverSigned(trust, files);
  // Substitution of the vault: another one, with owners of its own, lies in this one's place.
  requireVaultOfKey(trust, signed);
  const known = knownOf(trust, signed);
  // Recipient injection: the manifest is edited and signed with the attacker's own key.
  requireTrustedSigner(trust, signed, known);
  // Rollback: an old state, truly signed, brings a removed agent back. Fast-forward: a sequence so high that true updates look old.
  const isOlder = isOlderThanRemembered(trust, signed, known);
  // Rollback on first sight: the old state was committed on top of the newer one.
  if (known.isFirst) refuseSuperseded(trust, signed);
  // Freeze: one old state is served for ever.
  requireValid(trust, signed);
  // Swap and substitution of files: from here on each is read once, and given out only where its digest is the one that was signed
  // for its path. So what is parsed and decrypted are the bytes that were checked.
  files.vouch(new SignedFiles(signed.lock, files.source, { lists: new TreeListCache(trust.context, signed.lock.vault) }));
  return trustedState(trust, signed, known, isOlder);
}

/**
 * Verifies the state that an owner is about to change: as {@link verifyState}, and it must be signed and no older than what was seen on
 * a remote or lies behind HEAD, since the next signature would bring an old state back for good.
 * @throws VaultError as `verifyState`
 */
export function verifyStateForChange(trust: TrustContext, files: VaultFiles): TrustedState {
  const state = verifyState(trust, files);
  if (!state) throw unsigned("The state of this vault is not signed.");
  if (state.isOlder) requireNotBehindRemote(trust, state, knownOf(trust, state));
  if (!state.isFirst) refuseSuperseded(trust, state);
  return state;
}

/**
 * Verifies a state of the past: by its signature and its signer, whatever came after it.
 * @throws VaultError `UNSIGNED`, `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`
 */
export function verifyPastState(trust: TrustContext, files: VaultFiles): SignedLock {
  const signed = readSignedLock(files);
  if (!signed) throw unsigned("This state of the vault is not signed.");
  requireVaultOfKey(trust, signed);
  requireTrustedSigner(trust, signed, knownOf(trust, signed));
  files.vouch(new SignedFiles(signed.lock, files.source));
  return signed;
}

function trustedState(trust: TrustContext, signed: SignedLock, known: Known, isOlder: boolean): TrustedState {
  return {
    ...signed,
    isFirst: known.isFirst,
    isOlder,
    isUnderPolicy: isOlder ? known.memory!.policy === true : signed.lock.files.has(POLICY_FILE),
    requireNotOlderThanRemembered: () => {
      if (isOlder) throw olderThanRemembered(signed, known.memory!);
    },
    remember: () => (isOlder ? undefined : recordAccepted(trust, signed, known)),
  };
}
