import { accessDifference, type AccessDifference } from "../change/access-difference.js";
import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { adoptExtraAgents, layoutUpgrade } from "../change/layout-upgrade.js";
import { loadKeys, type KeyChoice, type Keys } from "../keys/find-key.js";
import { classify, CONFIG_FILE, escrowFile, LOCK_FILE } from "../format/layout.js";
import { formatSecretPath, parseSecretPath, type SecretPath } from "../format/names.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { recoverVault } from "../change/recovery.js";
import { isAuditOff, onRecord, secretsAmong, type Actor, type Begin } from "../record/recorder.js";
import { reencrypt, reencrypted, includingOutdated, type AccessChange } from "../change/reencrypt.js";
import { transact, withoutUnchanged } from "../change/transaction.js";
import { Config } from "../format/config.js";
import { digestOf, type Digest } from "../lock/digest.js";
import type { AuditAnchor } from "../lock/lock.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { signState } from "../lock/sign-state.js";
import { SigningKey } from "../keys/signing-key.js";
import { findTrustedState, type CommittedState } from "../trust/trusted-state.js";
import { VaultTrust } from "../trust/vault-trust.js";
import { VaultState } from "../files/vault-state.js";
import { openEscrow } from "./agents/escrow.js";
import { changeSigned, requireOwner, requireSigner, requireUsableManifest, type ChangeRequest } from "../change/signed-change.js";

/** What a signature would vouch for: all that was changed past the owners since the newest state that one of them signed. */
export interface SignProposal {
  /** Names exactly this state, so that nobody signs another one by mistake. */
  readonly digest: Digest;
  /** The state that it is compared with, or `undefined` for a vault that nobody has signed yet. */
  readonly since: { readonly sequence: number; readonly commit: string } | undefined;
  readonly difference: AccessDifference;
  /** Secrets that are encrypted anew, since their files may have other readers than the manifest names. */
  readonly resealed: readonly string[];
}

export interface SignRequest extends ChangeRequest {
  /** Whether the owner vouches for this. */
  approve(proposal: SignProposal): boolean | Promise<boolean>;
}

export interface SignResult {
  readonly proposal: SignProposal;
  /** The new state, or `undefined` where the owner has not vouched for it. */
  readonly signed: SignedLock | undefined;
}

/**
 * Takes over what was changed in a vault past its owners, once one of them has seen what that means: a vault of agent-vault 0.1, files
 * that were edited by hand, what somebody else has pushed. A changed secret is encrypted anew for just the readers that the manifest
 * names.
 * @returns `undefined` where all is signed already
 * @throws VaultError `NOT_AUTHORIZED`, `ROLLBACK`, `DAMAGED`, `CONFLICT` where the vault changes meanwhile, and what a transaction throws
 */
export async function sign(context: Context, request: SignRequest): Promise<SignResult | undefined> {
  const { vault } = request;
  if (!request.dryRun) await recoverVault(context, vault);
  const keys = await loadKeys(context, { ...request.key, vaultId: () => vaultIdIn(new VaultFolder(vault)) });
  if (await isSignedAlready(context, vault, keys)) return undefined;
  const { proposal } = await propose(context, keys, vault, new VaultState(vault));
  if (request.dryRun || !(await request.approve(proposal))) return { proposal, signed: undefined };

  const trust = new VaultTrust(context, vault, keys);
  const signOnRecord = (begin: Begin) =>
    transact(context, vault, async (state) => {
      const { proposal: now, base, owner, reseals } = await propose(context, keys, vault, state);
      if (now.digest !== proposal.digest)
        throw new VaultError("CONFLICT", "The vault was changed while you looked at it.", { remedy: "Run agent-vault sign again." });
      const files = withoutUnchanged(
        state,
        new Map([...layoutUpgrade(context, state), ...(await reencrypt(context, state, owner, reseals))]),
      );
      const config = files.get(CONFIG_FILE);
      const id = (config ? Config.parse(config) : state.config).id!;
      const key = new SigningKey(owner, id);
      const message = "agent-vault: sign outside changes";
      const name = await nameOf(state, owner);
      const actor: Actor = {
        root: vault,
        vault: id,
        keys,
        principal: async () => ({ role: "owner", name, identity: await owner.recipient() }),
      };
      const anchor = await begin(actor, { what: message, secrets: secretsAmong(files) });
      const next = signState(context, key, {
        vault: id,
        sequence: base ? trust.highestSequence(base.signed) + 1 : 1,
        previous: base?.signed,
        owners: base ? signersLeft(state, base.signed, key) : [{ name, key: key.publicKey }],
        digests: state.digests(),
        files,
        anchor,
      });
      return { message, result: next.signed, files: async () => next.files };
    });
  const signed = await onRecord(context, signOnRecord);
  trust.rememberMade(signed);
  return { proposal, signed };
}

export interface RenewRequest extends ChangeRequest {
  /** How long the new state is valid, in milliseconds; `null` for ever; without it as long as the present one. */
  readonly lifetime?: number | null | undefined;
}

/** Signs the present state anew, with a new time and for a new while, and changes nothing else. */
export async function renew(context: Context, request: RenewRequest): Promise<SignedLock> {
  const { signed } = await changeSigned(context, request, () => ({
    message: "agent-vault: renew the signature",
    result: undefined,
    files: () => new Map(),
    renewal: { lifetime: request.lifetime },
  }));
  return signed;
}

/**
 * Signs where the record of this machine stands, and changes nothing else.
 * @throws VaultError `USAGE` where nothing is recorded on this machine
 */
export async function anchorRecord(context: Context, request: ChangeRequest): Promise<{ sequence: number; machine: string } & AuditAnchor> {
  if (isAuditOff(context.env)) {
    throw new VaultError("USAGE", "Nothing is recorded on this machine (AGENT_VAULT_AUDIT=off), so there is no audit log to sign for.", {
      remedy: "Run it without that variable.",
    });
  }
  const { signed, anchor } = await changeSigned(context, request, () => ({
    message: "agent-vault: anchor the audit log",
    result: undefined,
    files: () => new Map(),
    renewal: { lifetime: undefined },
  }));
  return { sequence: signed.lock.sequence, ...anchor! };
}

/** An owner with the key that signs for more than the vault's states. */
export interface OwnerAtHand {
  readonly name: string;
  readonly signingKey: SigningKey;
  readonly keys: Keys;
  /** The vault's id. */
  readonly vault: string;
}

/** @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER`, and those of `VaultTrust` */
export async function availableOwner(context: Context, root: string, key: KeyChoice): Promise<OwnerAtHand> {
  const state = new VaultState(root);
  const keys = await loadKeys(context, { ...key, vaultId: () => vaultIdIn(state.source) });
  const { lock } = await new VaultTrust(context, root, keys).verifyForChange(state);
  const { owner, signingKey } = await requireOwner(keys, state, lock);
  return { name: await nameOf(state, owner), signingKey, keys, vault: lock.vault };
}

/** Whether there is nothing that an owner has not signed. */
async function isSignedAlready(context: Context, vault: string, keys: Keys): Promise<boolean> {
  const state = new VaultState(vault);
  try {
    const trusted = await new VaultTrust({ ...context, warn: () => {} }, vault, keys).verifyForChange(state);
    state.signed!.requireAll();
    return !trusted.isOlder;
  } catch (error) {
    if (isVerificationError(error)) return false;
    throw error;
  }
}

interface Proposed {
  readonly proposal: SignProposal;
  readonly base: CommittedState | undefined;
  readonly owner: Identity;
  readonly reseals: readonly AccessChange[];
}

async function propose(context: Context, keys: Keys, vault: string, state: VaultState): Promise<Proposed> {
  const trust = new VaultTrust(context, vault, keys);
  const base = await findTrustedState(context, vault, trust);
  if (base) await trust.requireNewest(base.signed);
  // What somebody else has signed is no vault without a signature: an owner's would bless it.
  const present = base || !state.read(LOCK_FILE) ? undefined : await trust.verify(new VaultState(vault));
  requireUsableManifest(state);
  const owner = await ownerIdentityAmong(keys, state);
  if (present) requireSigner(new SigningKey(owner, present.lock.vault), present.lock);
  if (base && !base.signed.lock.owners.some(({ key }) => key === new SigningKey(owner, base.signed.lock.vault).publicKey)) {
    throw new VaultError("NOT_AUTHORIZED", "You are no owner in the newest state of this vault that was signed.", {
      remedy: `Its owners are ${base.signed.lock.owners.map(({ name }) => name).join(", ")}; one of them adds you with agent-vault add-owner.`,
    });
  }
  if (base && state.config.id !== base.signed.lock.vault) {
    throw new VaultError("WRONG_VAULT", "config.yaml names another vault than the newest state that was signed.", {
      remedy: "Take config.yaml back from git, then run agent-vault sign again.",
    });
  }
  const difference = accessDifference(base?.state, state);
  await requireTrueEscrows(state, owner, difference);
  adoptExtraAgents(state);
  const reseals = includingOutdated(
    state,
    state.secretPaths(),
    changedSecrets(state, difference).map((path) => reencrypted(state, path)),
  );
  const content = JSON.stringify([base?.signed.digest, [...state.digests()]]);
  const proposal = {
    digest: digestOf(content),
    since: base && { sequence: base.signed.lock.sequence, commit: base.commit },
    difference,
    resealed: reseals.map(({ path }) => formatSecretPath(path)),
  };
  return { proposal, base, owner, reseals };
}

/** Secrets whose files are others than were signed, or that a recipient reads whose key is another one: the old key must not stay in. */
function changedSecrets(state: VaultState, { secrets, recipients }: AccessDifference): SecretPath[] {
  const changed = new Set([...secrets.added, ...secrets.changed].map(parseSecretPath));
  const ownersDiffer = recipients.some(({ kind }) => kind === "owner");
  const agents = new Set(recipients.flatMap(({ kind, name }) => (kind === "agent" ? [name] : [])));
  return state.secretPaths().filter((path) => changed.has(path) || ownersDiffer || state.agentsOf(path).some((agent) => agents.has(agent)));
}

/**
 * The escrow of an agent holds the agent's key. Where one of the two was changed and not the other, somebody wants to read in the
 * agent's place. @throws VaultError `DAMAGED`
 */
async function requireTrueEscrows(state: VaultState, owner: Identity, { files }: AccessDifference): Promise<void> {
  const agents = new Set<string>();
  for (const file of files) {
    const found = classify(file);
    if (found.kind === "escrow" || found.kind === "public-key") agents.add(found.agent);
  }
  for (const agent of agents) if (state.manifest.agents.has(agent) && state.read(escrowFile(agent))) await openEscrow(state, agent, owner);
}

/** The owners who may sign on: those of the state before who are owners still. */
function signersLeft(state: VaultState, base: SignedLock, own: SigningKey): SignedLock["lock"]["owners"] {
  const names = new Set(state.owners.map(({ name }) => name));
  return base.lock.owners.filter(({ name, key }) => names.has(name) || key === own.publicKey);
}

async function nameOf(state: VaultState, owner: Identity): Promise<string> {
  const recipient = await owner.recipient();
  return state.owners.find((entry) => entry.recipient.text === recipient)!.name;
}
