import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import { derivedKeys } from "../keys/signing-key.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import { signerLocks } from "../lock/signer-locks.js";
import { badSignature, fingerprint, type SshPublicKey } from "../lock/ssh-signature.js";
import { anotherVault, anotherVaultOffered, keyOfAnotherVault, nothingKnown, unsigned, untrustedSigner } from "./errors.js";
import { isAtOrBehind, type BaseState } from "./base-state.js";
import { seenState, type Known } from "./known.js";
import type { Lineage } from "./lineage.js";
import { allStates, type SeenState } from "./memory.js";
import { memoryFile, readMemory, rememberedAncestry } from "./memory-store.js";
import type { Place } from "./place.js";
import { vaultSeenAt } from "./places.js";
import type { TrustContext } from "./trust-context.js";

/** The lock of a vault, under a signature that is right, by whatever key. @throws VaultError `BAD_SIGNATURE`, `TOO_NEW` */
export function readSignedLock(files: VaultFiles): SignedLock | undefined {
  const bytes = files.read(LOCK_FILE);
  const signature = files.read(LOCK_SIGNATURE_FILE);
  if (!bytes) return undefined;
  if (!signature) throw badSignature("vault.lock.sig is missing");
  return openLock(bytes, signature);
}

/**
 * Accepts a vault without a signature only where nothing says that it should have one: those of agent-vault 0.1 have none.
 * @throws VaultError `UNSIGNED`
 */
export function requireNeverSigned(trust: TrustContext, files: VaultFiles): undefined {
  const { context, keys, history } = trust;
  const id = claimedId(files);
  const isAnchored =
    (trust.isStrict && !trust.isInspection) ||
    trust.base !== undefined ||
    (id !== undefined && readMemory(context, id) !== undefined) ||
    Boolean(context.env["AGENT_VAULT_OWNER"]) ||
    (keys !== undefined && (keys.isOwners || keys.comments.owners.length > 0));
  if (isAnchored) throw unsigned("The state of this vault is not signed.");
  if (history.states().length > 0) throw unsigned("The signature of this vault's state was taken away.");
  trust.warn(
    "unsigned",
    "The state of this vault is not signed, so anybody who can push can change it.",
    "Its owner signs it with agent-vault sign.",
  );
}

/** @throws VaultError `WRONG_VAULT` where the available key was made for another vault */
export function requireVaultOfKey({ keys }: TrustContext, { lock }: SignedLock): void {
  if (keys?.comments.vault !== undefined && keys.comments.vault !== lock.vault) throw keyOfAnotherVault(keys, lock);
}

/** @throws VaultError `WRONG_VAULT` where the branch that a change is proposed for has another vault in this place */
export function requireVaultOfBase({ base }: TrustContext, { lock }: SignedLock): void {
  const before = base?.lineage.signed.lock.vault;
  if (before !== undefined && before !== lock.vault) throw anotherVault(lock, before);
}

/** @throws VaultError `WRONG_VAULT` where another vault was seen at the same place of the remote */
export function requireVaultOfPlace({ context }: TrustContext, { lock }: SignedLock, place: Place): void {
  if (place.kind !== "fetched") return;
  if (place.vaultId !== undefined && place.vaultId !== lock.vault) throw anotherVaultOffered(lock, place.vaultId);
  const seen = vaultSeenAt(context, place);
  if (seen !== undefined && seen !== lock.vault) throw anotherVault(lock, seen);
}

/**
 * Requires that the signer is an owner in every state before this one that this machine knows: as that state names its owners, or as the
 * owners' changes since then do, each signed by one who was an owner by then (as TUF keeps its roots: specification, section 5.3). Where
 * nothing at all is known, the signer is accepted with a warning, on first use.
 * @param files of the state, held to its lock
 * @throws VaultError `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `TAMPERED`
 */
export function requireTrustedSigner(trust: TrustContext, lineage: Lineage, files: VaultFiles, { anchors, memory }: Known): void {
  const { signed } = lineage;
  const { signer } = signed;
  const states = memory ? allStates(memory) : [];
  if (states.some(({ lock }) => lock === signed.digest) || isListedBy(trust, signed, states)) return;
  if (trust.base) {
    if (isAtOrBehind(signed, trust.base.lineage)) return;
    requireOwnerSinceBase(trust, lineage, files, trust.base);
  }
  // A key that was taken away signs states that look as if they were made before that.
  if (memory?.removed.includes(signer)) throw untrustedSigner(signed, memoryFile(trust.context, signed.lock.vault));

  requireOwnerInParents(trust, signed);
  const before = states.filter(({ lock }) => lineage.lists(lock));
  if (before.length > 0) return requireOwnerSince(trust, signed, files, before, memoryFile(trust.context, signed.lock.vault));
  const vouching = [...anchors.keys, ...(memory?.pinned ?? [])];
  const roots = vouching.length > 0 ? vouching : states.flatMap(({ owners }) => owners);
  if (roots.length === 0) return trust.base ? undefined : acceptOnFirstUse(trust, signed);
  if (ownersAfter(roots, signerLocks(files, signed.lock.vault)).includes(signer)) return;
  if (trust.history.leadsBack(signed, (state) => roots.includes(state.signer))) return;
  // What a state of agent-vault 0.2.0 has behind it is not always known, and its signer may be an owner of a later one.
  if (states.some(({ lock, owners }) => owners.includes(signer) && lineage.lists(lock) === undefined)) return;
  throw untrustedSigner(signed, vouching.length > 0 && anchors.source ? anchors.source : memoryFile(trust.context, signed.lock.vault));
}

/**
 * Requires that the signer is an owner in the states of the branch that a change is proposed for, and none of those who were removed
 * there. @throws VaultError `UNTRUSTED_SIGNER`
 */
function requireOwnerSinceBase(trust: TrustContext, lineage: Lineage, files: VaultFiles, base: BaseState): void {
  const { signed } = lineage;
  if (base.lineage.formerOwners().includes(signed.signer)) throw untrustedSigner(signed, base.revision);
  const states = [base.lineage.signed, ...(base.parted ? [base.parted.signed] : [])];
  const before = states.filter(({ digest }) => lineage.lists(digest));
  requireOwnerSince(trust, signed, files, (before.length > 0 ? before : [base.lineage.signed]).map(seenState), base.revision);
}

/** Requires that the signer is an owner in each of some states, or became one since. @param source of the states, as a message names it */
function requireOwnerSince(trust: TrustContext, signed: SignedLock, files: VaultFiles, before: readonly SeenState[], source: string): void {
  const changes = signerLocks(files, signed.lock.vault);
  for (const { lock, owners, sequence } of before) {
    const isSince = (change: SignedLock) => change.lock.sequence > sequence;
    if (ownersAfter(owners, changes.filter(isSince)).includes(signed.signer)) continue;
    if (trust.history.leadsBack(signed, ({ digest }) => digest === lock)) continue;
    throw untrustedSigner(signed, source);
  }
}

/**
 * Requires that the signer of a merge is an owner in every parent of it that is here: one parent would do for its place, but an owner whom
 * the other one has removed could take that for a second parent, and stay. @throws VaultError `UNTRUSTED_SIGNER`
 */
function requireOwnerInParents({ context, history }: TrustContext, signed: SignedLock): void {
  const { previous, vault } = signed.lock;
  if (previous.length < 2) return;
  const parents = previous.flatMap((digest) => history.get(digest) ?? []);
  if (!parents.every(({ lock }) => history.isOwnerIn(lock, signed.signer))) throw untrustedSigner(signed, memoryFile(context, vault));
}

/** Whether a state that is remembered has this one behind it, and so vouches for it. */
function isListedBy({ context }: TrustContext, { lock, digest }: SignedLock, states: readonly SeenState[]): boolean {
  return states.some((state) => rememberedAncestry(context, lock.vault, state.lock)?.has(digest));
}

/** The owners after some changes of owners: each counts that was signed by one who was an owner by then. @param changes in their order */
function ownersAfter(roots: readonly SshPublicKey[], changes: readonly SignedLock[]): readonly SshPublicKey[] {
  return changes.reduce((owners, { signer, lock }) => (owners.includes(signer) ? lock.owners.map(({ key }) => key) : owners), roots);
}

/** What is accepted on first use must not take the place of a vault that is known, nor of states that the available key has signed. */
function acceptOnFirstUse(trust: TrustContext, signed: SignedLock): void {
  const { context, keys, history } = trust;
  const { lock, signer } = signed;
  const own = derivedKeys(keys, lock.vault);
  const isOwn = (state: SignedLock) => own.includes(state.signer);
  if (history.states().some(isOwn) && !history.leadsBack(signed, isOwn)) throw untrustedSigner(signed, keys!.source);
  const before = history.states().find((state) => state.lock.vault !== lock.vault && readMemory(context, state.lock.vault));
  if (before) throw anotherVault(lock, before.lock.vault);
  if (trust.isStrict) {
    const error = nothingKnown(signed);
    if (!trust.isInspection) throw error;
    return trust.warn("signer-unknown", error.message, error.remedy!);
  }
  const name = lock.owners.find(({ key }) => key === signer)?.name ?? "an unnamed owner";
  trust.warn(
    "signer-unknown",
    `Nothing on this machine says who may sign this vault. The signature of ${name} (${fingerprint(signer)}) is accepted without a second check (trust on first use).`,
    "Compare the fingerprint with an owner, or set AGENT_VAULT_OWNER.",
  );
}

/** The id that an unsigned vault says it has, to look up whether it was signed once. */
function claimedId(files: VaultFiles): string | undefined {
  const config = files.read(CONFIG_FILE);
  return config && /^id: *["']?([0-9A-Za-z-]{8,64})\b/m.exec(Buffer.from(config).toString("latin1"))?.[1];
}
