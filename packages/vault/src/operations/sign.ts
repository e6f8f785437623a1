import { differenceBetween, type Difference } from "../difference/difference.js";
import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { adoptExtraAgents, layoutUpgrade } from "../change/layout-upgrade.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { loadVaultKeys } from "../keys/vault-keys.js";
import { classify, CONFIG_FILE, escrowFile, LOCK_FILE } from "../format/layout.js";
import { formatSecretPath, parseSecretPath, type SecretPath } from "../format/names.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { recoverVault } from "../change/recovery.js";
import { usesLedger } from "../audit/audit-sink.js";
import { onRecord, secretsAmong, type Begin } from "../record/on-record.js";
import type { Actor } from "../record/recorder.js";
import { reencrypt, reencrypted, includingOutdated, type AccessChange } from "../change/reencrypt.js";
import { withoutUnchanged } from "../files/changes.js";
import { transact } from "../change/transaction.js";
import { Config } from "../format/config.js";
import { digestOf, type Digest } from "../lock/digest.js";
import type { AuditAnchor } from "../lock/lock.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { parentState } from "../change/parents.js";
import { signState } from "../change/sign-state.js";
import { SigningKey } from "../keys/signing-key.js";
import { rememberMade } from "../trust/remember.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import { TrustContext } from "../trust/trust-context.js";
import { openForChange, verifyUnderLock } from "../reading/open-for-change.js";
import { requireAll } from "../reading/open-vault.js";
import { pushAfterChange } from "../sync/around-change.js";
import { VaultFolder } from "../files/vault-folder.js";
import { VaultState } from "../files/vault-state.js";
import { openEscrow } from "./agents/escrow.js";
import { parentsOf, requirePerson } from "./sign-parents.js";
import { requireOwner, requireSigner } from "../change/require-signer.js";
import { changeSigned, requireUsableManifest, type ChangeRequest } from "../change/signed-change.js";

/** What an owner is asked to sign: all changes that were made without agent-vault since the newest state that an owner signed. */
export interface SignProposal {
  /** Identifies exactly this state, so that no other one is signed by mistake. */
  readonly digest: Digest;
  /** The state that it is compared with, or `undefined` for a vault that was never signed. */
  readonly since: { readonly sequence: number; readonly commit: string; readonly digest: Digest } | undefined;
  /**
   * The state here, where the newest does not have it behind it: both come before the new one. The lock is one of version 2 then, which
   * agent-vault 0.2.0 cannot read.
   */
  readonly beside?: { readonly sequence: number; readonly digest: Digest } | undefined;
  readonly difference: Difference;
  /** Secrets that are re-encrypted, since their files may have other readers than the manifest names. */
  readonly resealed: readonly string[];
}

/** How an owner decides whether to sign. */
export interface SignRequest extends ChangeRequest {
  /**
   * Goes on from an older state on purpose: the files here become a new state that follows the newest known one. Only a person decides that,
   * so it is refused where a coding agent runs the program.
   */
  readonly fromOlder?: boolean;
  /** Whether the owner wants to sign this. */
  approve(proposal: SignProposal): boolean | Promise<boolean>;
}

/** What was shown, and what came of it. */
export interface SignResult {
  readonly proposal: SignProposal;
  /** The new state, or `undefined` where the owner did not sign. */
  readonly signed: SignedLock | undefined;
}

/**
 * Signs changes that were made without agent-vault, once an owner has seen what they mean: a vault of agent-vault 0.1, files that were
 * edited by hand, what another person has pushed. A changed secret is re-encrypted for exactly the readers that the manifest names.
 * @returns `undefined` where everything is signed already
 * @throws VaultError `NOT_AUTHORIZED`, `ROLLBACK`, `DAMAGED`, `CONFIRMATION_REQUIRED`, `USAGE`, `CONFLICT` where the vault changes in the meantime, and what a transaction throws
 */
export async function sign(context: Context, request: SignRequest): Promise<SignResult | undefined> {
  const { vault, fromOlder = false } = request;
  if (fromOlder) requirePerson(context);
  if (!request.dryRun) await recoverVault(context, vault);
  const keys = await loadVaultKeys(context, vault, request.key);
  if (!fromOlder && (await isSignedAlready(context, vault, keys))) return undefined;
  const { proposal } = await propose(context, keys, vault, new VaultState(vault), fromOlder);
  if (request.dryRun || !(await request.approve(proposal))) return { proposal, signed: undefined };
  await context.recorder?.unlock?.(context, { root: vault, vault: proposal.since && vaultIdIn(new VaultFolder(vault)), keys }, true);

  const trust = new TrustContext(context, vault, keys);
  const signOnRecord = (begin: Begin) =>
    transact(context, vault, async (state) => {
      const { proposal: now, parents, owner, reencryptions } = await propose(context, keys, vault, state, fromOlder);
      const [base] = parents;
      if (now.digest !== proposal.digest)
        throw new VaultError("CONFLICT", "The vault was changed while you looked at it.", { remedy: "Run agent-vault sign again." });
      const files = withoutUnchanged(
        state,
        new Map([...layoutUpgrade(context, state), ...(await reencrypt(context, state, owner, reencryptions))]),
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
        judging: [state],
        principal: async () => ({ role: "owner", name, identity: await owner.recipient() }),
      };
      const anchor = await begin(actor, { what: message, secrets: secretsAmong(files) });
      const next = signState(context, key, {
        vault: id,
        parents: parents.map(({ state, signed }) => parentState(trust.history, state, signed)),
        owners: base ? signersLeft(state, base.signed, key) : [{ name, key: key.publicKey }],
        digests: state.digests(),
        config: state.read(CONFIG_FILE),
        files,
        anchor,
      });
      return { message, result: next.signed, files: async () => next.files };
    });
  const signed = await onRecord(context, signOnRecord);
  rememberMade(trust, signed);
  await pushAfterChange(context, vault, request.key);
  return { proposal, signed };
}

/** How long the present state is to be valid. */
export interface RenewRequest extends ChangeRequest {
  /** How long the new state is valid, in milliseconds; `null` for ever; without it as long as the present one. */
  readonly lifetimeMs?: number | null | undefined;
}

/** Signs the present state again, with a new time and validity, and changes nothing else. @throws VaultError what a transaction throws */
export async function renew(context: Context, request: RenewRequest): Promise<SignedLock> {
  const { signed } = await changeSigned(context, request, () => ({
    message: "agent-vault: renew the signature",
    result: undefined,
    files: () => new Map(),
    renewal: { lifetimeMs: request.lifetimeMs },
  }));
  return signed;
}

/**
 * Signs how long this machine's audit log is and what it says, and changes nothing else.
 * @throws VaultError `USAGE` where this machine keeps no audit log, and what a transaction throws
 */
export async function anchorRecord(context: Context, request: ChangeRequest): Promise<{ sequence: number; machine: string } & AuditAnchor> {
  if (!usesLedger(context)) {
    throw new VaultError("USAGE", "AGENT_VAULT_AUDIT keeps the audit log out of the ledger here, so there is nothing to sign.", {
      remedy: "Run the command without that variable.",
    });
  }
  const { signed, anchor } = await changeSigned(context, request, () => ({
    message: "agent-vault: anchor the audit log",
    result: undefined,
    files: () => new Map(),
    renewal: { lifetimeMs: undefined },
  }));
  return { sequence: signed.lock.sequence, ...anchor! };
}

/** An owner with the key that signs for more than the vault's states. */
export interface AvailableOwner {
  readonly name: string;
  readonly signingKey: SigningKey;
  readonly keys: Keys;
  /** The vault's id. */
  readonly vault: string;
}

/** The owner whose key was chosen or found. @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER`, and as `openForChange` */
export async function availableOwner(context: Context, root: string, key: KeyChoice): Promise<AvailableOwner> {
  const keys = await loadVaultKeys(context, root, key);
  const { state, trusted } = await openForChange(new TrustContext(context, root, keys), (state) => void state.owners);
  const { lock } = trusted;
  const { owner, signingKey } = await requireOwner(keys, state, lock);
  return { name: await nameOf(state, owner), signingKey, keys, vault: lock.vault };
}

/** Whether an owner has signed every file. */
async function isSignedAlready(context: Context, vault: string, keys: Keys): Promise<boolean> {
  const trust = new TrustContext({ ...context, warn: () => {} }, vault, keys);
  try {
    const { trusted } = await openForChange(trust, requireAll);
    return !trusted.isOlder;
  } catch (error) {
    if (isVerificationError(error)) return false;
    throw error;
  }
}

interface Proposed {
  readonly proposal: SignProposal;
  /** What the new state follows: nothing for the first, otherwise the newest state, and the one here where that is not behind it. */
  readonly parents: readonly CommittedState[];
  readonly owner: Identity;
  readonly reencryptions: readonly AccessChange[];
}

async function propose(context: Context, keys: Keys, vault: string, state: VaultState, fromOlder: boolean): Promise<Proposed> {
  const trust = new TrustContext(context, vault, keys);
  const parents = await parentsOf(trust, state, fromOlder);
  const [base, beside] = parents;
  // A vault that a stranger has signed is not an unsigned one: an owner's signature would make it trusted.
  const present = base || !state.read(LOCK_FILE) ? undefined : verifyUnderLock(trust, new VaultState(vault));
  requireUsableManifest(state);
  const owner = await ownerIdentityAmong(keys, state);
  for (const { lock } of [present, beside?.signed].filter((signed) => signed !== undefined))
    requireSigner(new SigningKey(owner, lock.vault), lock);
  if (base && !base.signed.lock.owners.some(({ key }) => key === new SigningKey(owner, base.signed.lock.vault).publicKey)) {
    throw new VaultError("NOT_AUTHORIZED", "You are not an owner in the newest signed state of this vault.", {
      remedy: `Its owners are ${base.signed.lock.owners.map(({ name }) => name).join(", ")}; one of them adds you with agent-vault add-owner.`,
    });
  }
  if (base && state.config.id !== base.signed.lock.vault) {
    throw new VaultError("WRONG_VAULT", "config.yaml has another vault's id than the newest signed state.", {
      remedy: "Restore config.yaml from git, then run agent-vault sign again.",
    });
  }
  const difference = differenceBetween(base?.state, state);
  await requireTrueEscrows(state, owner, difference);
  adoptExtraAgents(state);
  const reencryptions = includingOutdated(
    state,
    state.secretPaths(),
    changedSecrets(state, difference).map((path) => reencrypted(state, path)),
  );
  const content = JSON.stringify([base?.signed.digest, [...state.digests()], ...(beside ? [beside.signed.digest] : [])]);
  const proposal = {
    digest: digestOf(content),
    since: base && { sequence: base.signed.lock.sequence, commit: base.commit, digest: base.signed.digest },
    ...(beside && { beside: { sequence: beside.signed.lock.sequence, digest: beside.signed.digest } }),
    difference,
    resealed: reencryptions.map(({ path }) => formatSecretPath(path)),
  };
  return { proposal, parents, owner, reencryptions };
}

/**
 * Secrets whose files were changed, or that a recipient with a new key reads: the old key must not stay in them. Where that cannot be told,
 * all of them.
 */
function changedSecrets(state: VaultState, { secrets, recipients, unreadable }: Difference): SecretPath[] {
  if (unreadable.length > 0) return state.secretPaths();
  const changed = new Set([...secrets.added, ...secrets.changed].map(parseSecretPath));
  const ownersDiffer = recipients.some(({ kind }) => kind === "owner");
  const agents = new Set(recipients.flatMap(({ kind, name }) => (kind === "agent" ? [name] : [])));
  return state.secretPaths().filter((path) => changed.has(path) || ownersDiffer || state.agentsOf(path).some((agent) => agents.has(agent)));
}

/**
 * The escrow of an agent holds the agent's key. Where only one of the two was changed, another key may be reading in the agent's place.
 * @throws VaultError `DAMAGED`
 */
async function requireTrueEscrows(state: VaultState, owner: Identity, { files }: Difference): Promise<void> {
  const agents = new Set<string>();
  for (const file of files) {
    const found = classify(file);
    if (found.kind === "escrow" || found.kind === "public-key") agents.add(found.agent);
  }
  for (const agent of agents) if (state.manifest.agents.has(agent) && state.read(escrowFile(agent))) await openEscrow(state, agent, owner);
}

/** The owners who may sign the next state: those of the state before who still are owners. */
function signersLeft(state: VaultState, base: SignedLock, own: SigningKey): SignedLock["lock"]["owners"] {
  const names = new Set(state.owners.map(({ name }) => name));
  return base.lock.owners.filter(({ name, key }) => names.has(name) || key === own.publicKey);
}

async function nameOf(state: VaultState, owner: Identity): Promise<string> {
  const recipient = await owner.recipient();
  return state.owners.find((entry) => entry.recipient.text === recipient)!.name;
}
