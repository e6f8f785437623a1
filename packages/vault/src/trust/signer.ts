import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import { derivedKeys } from "../keys/signing-key.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import { badSignature, fingerprint } from "../lock/ssh-signature.js";
import { anotherVault, keyOfAnotherVault, unsigned, untrustedSigner } from "./errors.js";
import type { Known } from "./known.js";
import type { TrustContext } from "./trust-context.js";
import { readTrust, trustFile } from "./trust-store.js";

/** The lock of a vault, under a signature that is right, by whatever key. @throws VaultError `BAD_SIGNATURE` */
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
    (id !== undefined && readTrust(context, id) !== undefined) ||
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

/**
 * Requires that the signer is one whom this machine knows, or whom those it knows vouched for, from state to state. Where nothing at
 * all is known, the signer is accepted with a warning, on first use.
 * @throws VaultError `UNTRUSTED_SIGNER`, `WRONG_VAULT`
 */
export function requireTrustedSigner(trust: TrustContext, signed: SignedLock, { anchors, memory }: Known): void {
  if (memory) {
    if (memory.lock === signed.digest || memory.owners.includes(signed.signer)) return;
    if (trust.history.leadsBack(signed, ({ digest }) => digest === memory.lock)) return;
    const remembered = trust.history.get(memory.lock);
    if (remembered && trust.history.leadsBack(remembered, ({ digest }) => digest === signed.digest)) return;
    throw untrustedSigner(signed, trustFile(trust.context, signed.lock.vault));
  }
  if (anchors.keys.length === 0) return acceptOnFirstUse(trust, signed);
  const isAnchor = ({ signer }: SignedLock) => anchors.keys.includes(signer);
  if (!isAnchor(signed) && !trust.history.leadsBack(signed, isAnchor)) throw untrustedSigner(signed, anchors.source);
}

/** What is accepted on first use must not take the place of a vault that is known, nor of states that the available key has signed. */
function acceptOnFirstUse(trust: TrustContext, signed: SignedLock): void {
  const { context, keys, history } = trust;
  const { lock, signer } = signed;
  const own = derivedKeys(keys, lock.vault);
  const isOwn = (state: SignedLock) => own.includes(state.signer);
  if (history.states().some(isOwn) && !history.leadsBack(signed, isOwn)) throw untrustedSigner(signed, keys!.source);
  const before = history.states().find((state) => state.lock.vault !== lock.vault && readTrust(context, state.lock.vault));
  if (before) throw anotherVault(lock, before.lock);
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
