import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateIdentity, type Identity } from "../age/identity.js";
import { parseRecipient, requireUniform, type Recipient } from "../age/recipient.js";
import { resolvePath, type Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import {
  serializeKeyFile,
  loadKeys,
  ownerKeyFile,
  requireKeyFolder,
  requireNoKeyFile,
  archiveKeyFile,
  vaultOwnerKeyFile,
  writeKeyFile,
  type KeyChoice,
} from "../keys/key-files.js";
import { FIRST_OWNER_FILE, MANIFEST_FILE, ownerFile } from "../format/layout.js";
import type { OwnerEntry } from "../format/manifest.js";
import { formatSecretPath, parseOwnerName } from "../format/names.js";
import { suggestion } from "../text/did-you-mean.js";
import { openTrusted } from "../reading/open-state.js";
import { resealAll } from "../change/reencrypt.js";
import { installPendingKey, pendingKeyFile } from "../keys/pending-owner-key.js";
import type { FileChanges } from "../change/transaction.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { SigningKey } from "../keys/signing-key.js";
import { fingerprint, NAMESPACE, parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import { readTrust } from "../trust/trust-store.js";
import { unsigned } from "../trust/vault-trust.js";
import type { Owner, VaultState } from "../files/vault-state.js";
import { agentFiles, keyFileFor, writeAgentKey, type AgentKeyResult } from "./agents.js";
import { changeSigned, type ChangeRequest } from "../change/signed-change.js";

/** An owner, as the vault's signed state names them. */
export interface OwnerDetails {
  readonly name: string;
  /** `age1...` */
  readonly recipient: string;
  /** What the owner's signatures are checked with; `undefined` where the owner may sign nothing. */
  readonly signingKey: SshPublicKey | undefined;
  /** `SHA256:...` of the signing key. */
  readonly fingerprint: string | undefined;
  /** Whether this owner signed the present state. */
  readonly signed: boolean;
}

/** The public halves of an owner's key for one vault. */
export interface OwnerKeys {
  readonly recipient: string;
  readonly signingKey: SshPublicKey;
}

/** What a change of owners was about. */
export interface OwnersChange {
  readonly owner: string;
  /** All secrets, which were encrypted anew. */
  readonly secrets: readonly string[];
  /** Agents that got a new key, with the file that holds it. */
  readonly agents: readonly (AgentKeyResult & { readonly retiredKeyFile: string | undefined })[];
}

export interface AddOwnerRequest extends ChangeRequest {
  readonly owner: string;
  /** `age1...` of the new owner; together with `signingKey`. */
  readonly recipient?: string | undefined;
  /** `ssh-ed25519 ...` of the new owner for this vault. */
  readonly signingKey?: string | undefined;
  /** Instead of the two: make the new owner's key here, in this file, to hand over. */
  readonly keyOut?: string | undefined;
}

export interface AddOwnerResult extends OwnerKeys {
  readonly owner: string;
  readonly vaultId: string;
  readonly keyFile: string | undefined;
  /** The signing key of who added the owner, for the new owner to compare with and to start from. */
  readonly addedBy: SshPublicKey;
  readonly secrets: readonly string[];
}

export interface RemoveOwnerRequest extends ChangeRequest {
  readonly owner: string;
  /** Give every agent a new key as well. */
  readonly recoverAgents?: boolean | undefined;
}

export interface RotateOwnerRequest extends ChangeRequest {
  /** Where the new key goes; without it this vault's own owner's key, `~/.agent-vault/owners/ID.key`. */
  readonly keyOut?: string | undefined;
  /** Give every agent a new key as well. */
  readonly recoverAgents?: boolean | undefined;
  /** Protect the new key also where the old one is not protected. */
  readonly protect?: boolean | undefined;
  /** Asks for the passphrase of the new key. */
  readonly passphrase?: (() => Promise<string>) | undefined;
}

export interface RotateOwnerResult extends OwnersChange, OwnerKeys {
  readonly keyFile: string;
  /** Where the former key file was moved to; `undefined` where it stays as it is. */
  readonly retiredKeyFile: string | undefined;
  /** Other vaults, by id, that know the former key as an owner's. */
  readonly otherVaults: readonly string[];
}

/**
 * The owners of a vault, whose state was verified first.
 * @param root absolute path of the vault's folder
 * @throws VaultError as `openState`
 */
export async function listOwners(context: Context, root: string, key?: KeyChoice): Promise<OwnerDetails[]> {
  const { state, signed } = await openTrusted(context, root, key);
  return state.owners.map(({ name, recipient }) => {
    const signingKey = signed?.lock.owners.find((owner) => owner.name === name)?.key;
    return {
      name,
      recipient: recipient.text,
      signingKey,
      fingerprint: signingKey && fingerprint(signingKey),
      signed: signingKey !== undefined && signingKey === signed?.signer,
    };
  });
}

/**
 * The lines of an allowed_signers file with which `ssh-keygen -Y verify` checks a vault's state.
 * @throws VaultError as `openState`, `UNSIGNED`
 */
export async function allowedSigners(context: Context, root: string, key?: KeyChoice): Promise<string[]> {
  const { signed } = await openTrusted(context, root, key);
  if (!signed) throw unsigned("Nobody has signed the state of this vault.");
  return signed.lock.owners.map((owner) => `${owner.name} namespaces="${NAMESPACE}" ${owner.key}`);
}

/**
 * What a new owner sends to an owner of the vault. Nothing of the vault is trusted for it but its id.
 * @throws VaultError `UNSIGNED`, and what `loadKeys` throws
 */
export async function ownerKeys(context: Context, root: string, key?: KeyChoice): Promise<OwnerKeys> {
  const id = vaultIdIn(new VaultFolder(root));
  if (id === undefined) throw unsigned("Nobody has signed the state of this vault, so there is nothing yet to sign next.");
  const { identities } = await loadKeys(context, { ...key, vaultId: () => id });
  return keysOf(identities[0]!, id);
}

/**
 * Makes somebody an owner: who reads everything, and may sign the vault's states.
 * @throws VaultError `ALREADY_EXISTS`, `INVALID_NAME`, `INVALID_RECIPIENT`, `INVALID_KEY`, `MIXED_RECIPIENTS`, `USAGE`, and what a
 *   transaction throws
 */
export async function addOwner(context: Context, request: AddOwnerRequest): Promise<AddOwnerResult> {
  const name = parseOwnerName(request.owner);
  const given = givenKeys(request);
  const keyFile = request.keyOut === undefined ? undefined : resolvePath(context, request.keyOut);
  const { result } = await changeSigned(context, request, async (state, signer) => {
    const { owners } = state;
    const twin = owners.find((owner) => owner.name.toLowerCase() === name.toLowerCase());
    if (twin) throw ownerExists(`There is an owner ${twin.name} already.`);
    if (keyFile !== undefined && !request.dryRun) requireNoKeyFile(context, keyFile);
    const identity = given ? undefined : await generateIdentity(owners[0]!.recipient.kind);
    const id = idOf(state);
    const keys = given ?? (await keysOf(identity!, id));
    const recipient = parseRecipient(keys.recipient);
    const present = owners.find((owner) => owner.recipient.text === recipient.text);
    if (present) throw ownerExists(`The owner ${present.name} has this recipient already.`);
    requireUniform([...owners.map((owner) => owner.recipient), recipient]);
    state.manifest.setOwners([...entriesOf(state), { name, file: ownerFile(name) }]);
    state.replaceOwners([...owners, { name, recipient }]);
    return {
      message: `agent-vault: add owner ${name}`,
      result: {
        owner: name,
        vaultId: id,
        ...keys,
        keyFile,
        addedBy: signer && new SigningKey(signer, id).publicKey,
        secrets: state.secretPaths().map(formatSecretPath),
      },
      owners: ({ lock }) => [...lock.owners, { name, key: keys.signingKey }],
      files: async (owner, { lock, digest }) => {
        const same = lock.owners.find(({ key }) => key === keys.signingKey);
        if (same) throw ownerExists(`The owner ${same.name} has this signing key already.`);
        const files = await resealAll(context, state, [owner], { leaving: false, without: new Set() });
        if (keyFile !== undefined && identity) {
          const comments = {
            role: "owner",
            created: context.now().toISOString(),
            vault: lock.vault,
            owner: lock.owners.map(({ key }) => key),
            state: `${lock.sequence} ${digest}`,
          };
          await writeKeyFile(context, keyFile, await serializeKeyFile(identity, comments));
        }
        return new Map([...files, [MANIFEST_FILE, state.manifest.toBytes()], [ownerFile(name), encode(recipient.text)]]);
      },
    };
  });
  return { ...result, addedBy: result.addedBy! };
}

/**
 * Takes an owner out of a vault, who may be the one at hand where another one remains.
 * @throws VaultError `OWNER_NOT_FOUND`, `CONFLICT` for the last owner, `USAGE`, and what a transaction throws
 */
export async function removeOwner(context: Context, request: RemoveOwnerRequest): Promise<OwnersChange> {
  const name = parseOwnerName(request.owner);
  const { result, signed } = await changeSigned(context, request, async (state, signer) => {
    const leaver = state.owners.find((owner) => owner.name === name);
    if (!leaver) {
      throw new VaultError("OWNER_NOT_FOUND", `There is no owner ${name} in this vault.`, {
        remedy: `${suggestion(
          name,
          state.owners.map((owner) => owner.name),
        )}agent-vault list-owners shows them all.`,
      });
    }
    const staying = state.owners.filter((owner) => owner.name !== name);
    if (staying.length === 0) throw lastOwner(name);
    const leaving = signer !== undefined && (await signer.recipient()) === leaver.recipient.text;
    if (leaving && request.recoverAgents) {
      throw new VaultError("USAGE", "You are leaving this vault, and would know the agents' new keys.", {
        remedy: "Have an owner who stays run agent-vault remove-owner with --recover-agents.",
      });
    }
    const entries = entriesOf(state).filter((entry) => entry.name !== name);
    const ownerFiles = replaceOwners(state, entries, staying);
    const agents = await recoveredAgents(context, state, request);
    return {
      message: `agent-vault: remove owner ${name}`,
      result: { owner: name, secrets: state.secretPaths().map(formatSecretPath), agents },
      owners: ({ lock }) => {
        const others = lock.owners.filter((owner) => owner.name !== name);
        if (others.length === 0) throw lastOwner(name);
        return others;
      },
      files: async (owner) => new Map([...(await filesOf(context, state, [owner], agents, leaving)), ...ownerFiles]),
    };
  });
  return { ...result, agents: await handOutKeys(context, request, signed, result.agents) };
}

/**
 * Gives the owner at hand a new key. Everything is encrypted to it, in a state that the old key signs; a second one, with the same
 * files, is signed by the new key. The new key is on disk before the vault changes, and the old one stays on it.
 * @throws VaultError `USAGE` where a key was chosen and no place for the new one, `ALREADY_EXISTS`, and what a transaction throws
 */
export async function rotateOwner(context: Context, request: RotateOwnerRequest): Promise<RotateOwnerResult> {
  const keyOut = request.keyOut === undefined ? undefined : resolvePath(context, request.keyOut);
  const { keyFile: chosenFile, keyText } = request.key ?? {};
  const isChosen = chosenFile !== undefined || keyText !== undefined || Boolean(context.env["AGENT_VAULT_KEY"]);
  if (isChosen && keyOut === undefined) {
    throw new VaultError("USAGE", "The key was chosen by hand, so where its successor goes must be, too.", {
      remedy: "Add --key-out FILE.",
    });
  }
  let isProtected = request.protect ?? false;
  let passphrase: string | undefined;
  const watching: Context = context.passphrase
    ? {
        ...context,
        passphrase: (file) => {
          isProtected = true;
          return context.passphrase!(file);
        },
      }
    : context;
  const ask = async () => {
    if (isProtected) passphrase = await request.passphrase?.();
  };
  const operation = async (state: VaultState, signer?: Identity) => {
    const id = idOf(state);
    const successor = await generateIdentity(state.owners[0]!.recipient.kind);
    const keys = await keysOf(successor, id);
    const keyFile = keyOut ?? vaultOwnerKeyFile(context, id);
    const waiting = keyOut ?? pendingKeyFile(context, id, keys.signingKey);
    if (!request.dryRun && keyOut !== undefined) requireNoKeyFile(context, keyOut);
    else if (!request.dryRun) requireKeyFolder(context, dirname(keyFile));
    // Whether the shared key is the one at hand: only where this vault has none of its own is it looked at.
    const isShared = keyOut === undefined && !existsSync(keyFile);
    const former = await signer?.recipient();
    const owners = state.owners.map((owner) =>
      owner.recipient.text === former ? { name: owner.name, recipient: parseRecipient(keys.recipient) } : owner,
    );
    const name = state.owners.find((owner) => owner.recipient.text === former)?.name ?? "";
    const ownerFiles = replaceOwners(state, entriesOf(state), owners);
    const agents = await recoveredAgents(context, state, request);
    return {
      message: `agent-vault: rotate the key of owner ${name}`,
      successor,
      result: {
        ...keys,
        owner: name,
        secrets: state.secretPaths().map(formatSecretPath),
        agents,
        keyFile,
        isShared,
        otherVaults: signer ? otherVaultsOf(context, signer, id) : [],
      },
      owners: ({ lock }: SignedLock) => {
        const old = signer && new SigningKey(signer, lock.vault).publicKey;
        return lock.owners.map((owner) => (owner.key === old ? { name: owner.name, key: keys.signingKey } : owner));
      },
      files: async (owner: Identity) => {
        const files = await filesOf(context, state, [successor, owner], agents, false);
        const comments = { role: "owner", created: context.now().toISOString(), vault: id };
        await writeKeyFile(context, waiting, await serializeKeyFile(successor, comments), passphrase);
        return new Map([...files, ...ownerFiles]);
      },
    };
  };
  const { result, signed } = await changeSigned(watching, request, operation, request.dryRun ? undefined : ask);
  const { isShared, ...rotated } = result;
  if (request.dryRun) return { ...rotated, agents: await handOutKeys(context, request, signed, result.agents), retiredKeyFile: undefined };
  const settled = keyOut === undefined ? await installPendingKey(context, signed.lock) : undefined;
  const isSpent = isShared && result.otherVaults.length === 0;
  const retiredKeyFile = settled?.retiredKeyFile ?? (isSpent ? archiveKeyFile(context, ownerKeyFile(context)) : undefined);
  return { ...rotated, retiredKeyFile, agents: await handOutKeys(context, request, signed, result.agents) };
}

interface RecoveredAgent extends AgentKeyResult {
  readonly identity: Identity;
  /** Whether the file holds the agent's former key. */
  readonly former: boolean;
}

/** New keys for all agents, where asked for. */
async function recoveredAgents(
  context: Context,
  state: VaultState,
  { recoverAgents, dryRun }: { recoverAgents?: boolean | undefined; dryRun?: boolean },
): Promise<RecoveredAgent[]> {
  const recovered: RecoveredAgent[] = [];
  for (const agent of recoverAgents ? state.manifest.agents.keys() : []) {
    const { keyFile, former } = await keyFileFor(context, state, agent);
    if (!dryRun && former) requireKeyFolder(context, dirname(keyFile));
    else if (!dryRun) requireNoKeyFile(context, keyFile);
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const recipient = await identity.recipient();
    state.replaceAgentRecipient(agent, parseRecipient(recipient));
    recovered.push({ agent, recipient, keyFile, identity, former });
  }
  return recovered;
}

/** Everything, encrypted anew to the owners and agents whom the state names now. */
async function filesOf(
  context: Context,
  state: VaultState,
  identities: readonly [Identity, ...Identity[]],
  agents: readonly RecoveredAgent[],
  leaving: boolean,
): Promise<FileChanges> {
  const files = await resealAll(context, state, identities, { leaving, without: new Set(agents.map(({ agent }) => agent)) });
  for (const { agent, identity } of agents)
    for (const [file, bytes] of await agentFiles(state, identities[0], agent, identity)) files.set(file, bytes);
  return files.set(MANIFEST_FILE, state.manifest.toBytes());
}

/** Writes the key files of agents that got a new key, once the vault knows it. */
async function handOutKeys(
  context: Context,
  { dryRun }: ChangeRequest,
  signed: SignedLock,
  agents: readonly RecoveredAgent[],
): Promise<OwnersChange["agents"]> {
  const written = [];
  for (const { identity, former, ...made } of agents) {
    const retiredKeyFile = former && !dryRun ? archiveKeyFile(context, made.keyFile) : undefined;
    if (!dryRun) await writeAgentKey(context, signed, made.agent, made.keyFile, identity);
    written.push({ ...made, retiredKeyFile });
  }
  return written;
}

/** The owners as the manifest lists them; one of agent-vault 0.1 may leave out the only one. */
function entriesOf(state: VaultState): readonly OwnerEntry[] {
  const { owners } = state.manifest;
  return owners.length > 0 ? owners : [{ name: state.owners[0]!.name, file: FIRST_OWNER_FILE }];
}

/**
 * Puts other owners in the state, one for each entry. The first of them has `owner.pub`, which agent-vault 0.1 reads.
 * @returns the files of their recipients, and those that go
 */
function replaceOwners(state: VaultState, entries: readonly OwnerEntry[], owners: readonly Owner[]): FileChanges {
  const files: FileChanges = new Map(entriesOf(state).map(({ file }) => [file, null]));
  const hasFirst = entries.some(({ file }) => file === FIRST_OWNER_FILE);
  const placed = entries.map((entry, index) => (index === 0 && !hasFirst ? { name: entry.name, file: FIRST_OWNER_FILE } : entry));
  state.manifest.setOwners(placed);
  state.replaceOwners(owners);
  placed.forEach(({ file }, index) => files.set(file, encode(owners[index]!.recipient.text)));
  return files;
}

function givenKeys({ recipient, signingKey, keyOut }: AddOwnerRequest): OwnerKeys | undefined {
  if (keyOut !== undefined && recipient === undefined && signingKey === undefined) return undefined;
  if (keyOut !== undefined || recipient === undefined || signingKey === undefined) {
    throw new VaultError("USAGE", "A new owner needs a recipient and a signing key, or a key that is made here.", {
      remedy: "Give --recipient and --signing-key, as agent-vault owner keys prints them for the new owner, or --key-out FILE alone.",
    });
  }
  const key = parseSshPublicKey(signingKey);
  if (!key) {
    throw new VaultError("INVALID_KEY", "What was given as signing key is none.", {
      remedy: "It is ssh-ed25519 and 68 more characters, as agent-vault owner keys prints it for the new owner.",
    });
  }
  const parsed: Recipient = parseRecipient(recipient);
  return { recipient: parsed.text, signingKey: key };
}

async function keysOf(identity: Identity, vaultId: string): Promise<OwnerKeys> {
  return { recipient: await identity.recipient(), signingKey: new SigningKey(identity, vaultId).publicKey };
}

/** The id in the signed lock; in a trial run on what nobody has verified yet, what the files say. */
function idOf(state: VaultState): string {
  const id = state.signed?.lock.vault ?? vaultIdIn(state.source);
  if (id === undefined) throw unsigned("Nobody has signed the state of this vault.");
  return id;
}

/** Other vaults that this machine has seen and whose owners include this identity. What cannot be read may be one. */
function otherVaultsOf(context: Context, identity: Identity, vaultId: string): string[] {
  const folder = join(context.home, "trust");
  const ids = existsSync(folder) ? readdirSync(folder).flatMap((name) => /^([0-9A-Za-z-]{8,64})\.json$/.exec(name)?.[1] ?? []) : [];
  return ids.filter((id) => {
    if (id === vaultId) return false;
    try {
      return readTrust(context, id)?.owners.includes(new SigningKey(identity, id).publicKey) ?? false;
    } catch {
      return true;
    }
  });
}

function ownerExists(message: string): VaultError {
  return new VaultError("ALREADY_EXISTS", message, {
    remedy: "agent-vault list-owners shows them all; an owner's key is replaced with agent-vault rotate-owner.",
  });
}

function lastOwner(name: string): VaultError {
  return new VaultError("CONFLICT", `${name} is the last owner of this vault, and nobody could read or change it any more.`, {
    remedy: "Add another owner first (agent-vault add-owner), or replace the key with agent-vault rotate-owner.",
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
