import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { generateIdentity, type Identity } from "../../age/identity.js";
import { parseRecipient } from "../../age/recipient.js";
import { changeSigned, type Change, type ChangeRequest } from "../../change/signed-change.js";
import { resolvePath, type Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import type { VaultState } from "../../files/vault-state.js";
import { formatSecretPath } from "../../format/names.js";
import type { Keys } from "../../keys/find-key.js";
import {
  archiveKeyFile,
  ownerKeyFile,
  requireKeyFolder,
  requireNoKeyFile,
  serializeKeyFile,
  vaultOwnerKeyFile,
  writeKeyFile,
} from "../../keys/key-file.js";
import { installPendingKey, pendingKeyFile } from "../../keys/pending-owner-key.js";
import { SigningKey } from "../../keys/signing-key.js";
import type { SignedLock } from "../../lock/open-lock.js";
import { allStates, EMPTY_MEMORY } from "../../trust/memory.js";
import { readMemory, rememberedVaults } from "../../trust/memory-store.js";
import { ownerKeysOf, vaultIdOf, type OwnerKeys } from "./owner-keys.js";
import { reencryptWithAgents, renewAgentKeys, writeAgentKeys, type OwnersChange, type RecoveredAgent } from "./recovered-agents.js";
import { ownerEntries, replaceOwners } from "./replace-owners.js";

/** How to rotate the caller's key. */
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

/** The new key, and what became of the former one. */
export interface RotateOwnerResult extends OwnersChange, OwnerKeys {
  readonly keyFile: string;
  /** Where the former key file was moved to; `undefined` where it stays as it is. */
  readonly retiredKeyFile: string | undefined;
  /** Other vaults, by id, that know the former key as an owner's. */
  readonly otherVaults: readonly string[];
}

/**
 * Gives the calling owner a new key. Everything is encrypted to it, in a state that the old key signs; a second one, with the same
 * files, is signed by the new key. The new key is on disk before the vault changes, and the old one stays on it.
 * @throws VaultError `USAGE` where a key was chosen and no place for the new one, `ALREADY_EXISTS`, and what a transaction throws
 */
export async function rotateOwner(context: Context, request: RotateOwnerRequest): Promise<RotateOwnerResult> {
  requirePlaceForNewKey(context, request);
  let passphrase: string | undefined;
  const askPassphrase = async ({ isProtected }: Keys) => {
    if (isProtected || request.protect) passphrase = await request.passphrase?.();
  };
  const operation = async (state: VaultState, signer?: Identity): Promise<Change<Rotation>> => {
    const rotation = await planRotation(context, request, state, signer);
    const { owner, newIdentity, newKeys, agents, ownerFiles } = rotation;
    return {
      message: `agent-vault: rotate the key of owner ${owner}`,
      newIdentity,
      result: rotation,
      owners: ({ lock }) => {
        const formerKey = signer && new SigningKey(signer, lock.vault).publicKey;
        return lock.owners.map((entry) => (entry.key === formerKey ? { name: entry.name, key: newKeys.signingKey } : entry));
      },
      files: async (former) => {
        const files = await reencryptWithAgents(context, state, [newIdentity, former], agents);
        await writePendingKey(context, rotation, passphrase);
        return new Map([...files, ...ownerFiles]);
      },
    };
  };
  const { result, signed } = await changeSigned(context, request, operation, request.dryRun ? undefined : askPassphrase);
  return finishRotation(context, request, result, signed);
}

/** A chosen key may be anywhere, so its owner says where the new one goes. */
function requirePlaceForNewKey(context: Context, { key, keyOut }: RotateOwnerRequest): void {
  const isChosen = key?.keyFile !== undefined || key?.keyText !== undefined || Boolean(context.env["AGENT_VAULT_KEY"]);
  if (!isChosen || keyOut !== undefined) return;
  throw new VaultError("USAGE", "You chose the key to rotate, so the file for the new key must be named too.", {
    remedy: "Add --out FILE.",
  });
}

/** What a rotation is to do. */
interface Rotation {
  readonly vaultId: string;
  readonly owner: string;
  readonly newIdentity: Identity;
  readonly newKeys: OwnerKeys;
  /** Where the new key is in the end. */
  readonly keyFile: string;
  /** Where it is until the vault has changed. */
  readonly pendingFile: string;
  /** Whether the key that is rotated is `owner.key`, which other vaults may know as well. */
  readonly usesSharedKey: boolean;
  readonly otherVaults: readonly string[];
  readonly secrets: readonly string[];
  readonly agents: readonly RecoveredAgent[];
  /** The files of the owners' recipients. */
  readonly ownerFiles: ReadonlyMap<string, Uint8Array | null>;
}

/** Works out a rotation, puts the new owner in the state, and fails where the new key could not be written. */
async function planRotation(context: Context, request: RotateOwnerRequest, state: VaultState, signer?: Identity): Promise<Rotation> {
  const vaultId = vaultIdOf(state);
  const newIdentity = await generateIdentity(state.owners[0]!.recipient.kind);
  const newKeys = await ownerKeysOf(newIdentity, vaultId);
  const keyOut = request.keyOut === undefined ? undefined : resolvePath(context, request.keyOut);
  const keyFile = keyOut ?? vaultOwnerKeyFile(context, vaultId);
  if (!request.dryRun && keyOut !== undefined) requireNoKeyFile(context, keyOut);
  else if (!request.dryRun) requireKeyFolder(context, dirname(keyFile));

  const former = await signer?.recipient();
  const owner = state.owners.find(({ recipient }) => recipient.text === former)?.name ?? "";
  const newRecipient = parseRecipient(newKeys.recipient);
  const owners = state.owners.map((entry) => (entry.recipient.text === former ? { name: entry.name, recipient: newRecipient } : entry));
  const ownerFiles = replaceOwners(state, ownerEntries(state), owners);
  return {
    vaultId,
    owner,
    newIdentity,
    newKeys,
    keyFile,
    pendingFile: keyOut ?? pendingKeyFile(context, vaultId, newKeys.signingKey),
    // The shared key is looked at only where this vault has no owner's key of its own.
    usesSharedKey: keyOut === undefined && !existsSync(keyFile),
    otherVaults: signer ? otherVaultsOf(context, signer, vaultId) : [],
    secrets: state.secretPaths().map(formatSecretPath),
    agents: await renewAgentKeys(context, state, request),
    ownerFiles,
  };
}

async function writePendingKey(
  context: Context,
  { vaultId, newIdentity, pendingFile }: Rotation,
  passphrase: string | undefined,
): Promise<void> {
  const comments = { role: "owner", created: context.now().toISOString(), vault: vaultId };
  await writeKeyFile(context, pendingFile, await serializeKeyFile(newIdentity, comments), passphrase);
}

/** Puts the new key in its place and the former one aside, and writes the agents' keys. */
async function finishRotation(
  context: Context,
  request: RotateOwnerRequest,
  rotation: Rotation,
  signed: SignedLock,
): Promise<RotateOwnerResult> {
  const { newKeys, owner, secrets, keyFile, otherVaults, agents } = rotation;
  const retiredKeyFile = request.dryRun ? undefined : await installNewKey(context, request, rotation, signed);
  const written = await writeAgentKeys(context, request, signed, agents);
  return { ...newKeys, owner, secrets, agents: written, keyFile, otherVaults, retiredKeyFile };
}

/** @returns where the former key was moved to, unless it stays */
async function installNewKey(
  context: Context,
  { keyOut }: RotateOwnerRequest,
  { usesSharedKey, otherVaults }: Rotation,
  signed: SignedLock,
): Promise<string | undefined> {
  const installed = keyOut === undefined ? await installPendingKey(context, signed.lock) : undefined;
  const isUnused = usesSharedKey && otherVaults.length === 0;
  return installed?.retiredKeyFile ?? (isUnused ? archiveKeyFile(context, ownerKeyFile(context)) : undefined);
}

/** Other vaults that this machine has seen and whose owners include this identity. What is remembered and cannot be read may be of one. */
function otherVaultsOf(context: Context, identity: Identity, vaultId: string): string[] {
  return rememberedVaults(context).filter((id) => {
    if (id === vaultId) return false;
    try {
      const { publicKey } = new SigningKey(identity, id);
      return allStates(readMemory(context, id) ?? EMPTY_MEMORY).some(({ owners }) => owners.includes(publicKey));
    } catch {
      return true;
    }
  });
}
