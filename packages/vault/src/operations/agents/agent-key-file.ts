import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Identity } from "../../age/identity.js";
import { parseRecipient } from "../../age/recipient.js";
import { resolvePath, type Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import type { VaultState } from "../../files/vault-state.js";
import { publicKeyFile } from "../../format/layout.js";
import {
  agentKeyFile,
  archiveKeyFile,
  describeKeyFile,
  requireKeyFolder,
  requireNoKeyFile,
  serializeKeyFile,
  writeKeyFile,
} from "../../keys/key-file.js";
import type { SignedLock } from "../../lock/open-lock.js";
import type { AgentRequest } from "./agent.js";

/** Where an agent's key file goes. */
export interface AgentKeyPlace {
  readonly keyFile: string;
  /** Whether the file holds a former key of this agent, which is to be archived first. */
  readonly holdsFormerKey: boolean;
}

/** The chosen place for an agent's key, else where its former key is, else the first of its usual places that is free. */
export async function placeForKey(
  context: Context,
  state: VaultState,
  agent: string,
  { keyOut }: Pick<AgentRequest, "keyOut"> = {},
): Promise<AgentKeyPlace> {
  if (keyOut !== undefined) return { keyFile: resolvePath(context, keyOut), holdsFormerKey: false };
  const present = await findKeyFile(context, state, agent);
  if (present !== undefined) return { keyFile: present, holdsFormerKey: true };
  const places = usualPlaces(context, state, agent);
  return { keyFile: places.find((place) => !existsSync(place)) ?? places.at(-1)!, holdsFormerKey: false };
}

/** Fails early where {@link archiveFormerKey} or {@link writeAgentKey} would fail later. @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE` */
export function requireFreePlace(context: Context, { keyFile, holdsFormerKey }: AgentKeyPlace): void {
  if (holdsFormerKey) requireKeyFolder(context, dirname(keyFile));
  else requireNoKeyFile(context, keyFile);
}

/** Moves a former key aside. @returns where it is now, or `undefined` where there is none */
export function archiveFormerKey(context: Context, { keyFile, holdsFormerKey }: AgentKeyPlace): string | undefined {
  return holdsFormerKey ? archiveKeyFile(context, keyFile) : undefined;
}

/**
 * The key file at home that is this agent's: made for it in this vault, or without a vault's name, holding its present key.
 * The folder is shared by all vaults of a person, so a file of the right name may be another vault's.
 */
export async function findKeyFile(context: Context, state: VaultState, agent: string): Promise<string | undefined> {
  const recipient = new TextDecoder().decode(state.read(publicKeyFile(agent))).trim();
  for (const place of usualPlaces(context, state, agent)) {
    const key = await describeKeyFile(place);
    if (!key) continue;
    const { comments, recipients } = key;
    if (comments.vault === undefined ? recipients.includes(recipient) : comments.vault === state.config.id && comments.agent === agent)
      return place;
  }
  return undefined;
}

function usualPlaces(context: Context, state: VaultState, agent: string): string[] {
  const { id } = state.config;
  return [agentKeyFile(context, agent), ...(id === undefined ? [] : [agentKeyFile(context, agent, id)])];
}

/**
 * Writes an agent's key, and with it who signs the vault and which state it is in: what the agent trusts on a new machine.
 * @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE`, `DISK_FULL`
 */
export async function writeAgentKey(
  context: Context,
  { lock, digest }: SignedLock,
  agent: string,
  file: string,
  identity: Identity,
): Promise<void> {
  const comments = {
    created: context.now().toISOString(),
    agent,
    vault: lock.vault,
    owner: lock.owners.map(({ key }) => key),
    state: `${lock.sequence} ${digest}`,
  };
  await context.recorder?.admit([parseRecipient(await identity.recipient())]);
  await writeKeyFile(context, file, await serializeKeyFile(identity, comments));
  if (file === agentKeyFile(context, agent, lock.vault))
    context.warn(`${agentKeyFile(context, agent)} belongs to another vault's ${agent} and stays as it is. The key of this one is ${file}.`);
}

/** As {@link writeAgentKey}, for a key that the vault has taken over already. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
export async function writeNewAgentKey(
  context: Context,
  signed: SignedLock,
  agent: string,
  file: string,
  identity: Identity,
): Promise<void> {
  try {
    await writeAgentKey(context, signed, agent, file, identity);
  } catch (cause) {
    const code = cause instanceof VaultError && cause.code === "DISK_FULL" ? cause.code : "UNWRITABLE";
    throw new VaultError(code, `The vault was changed, but the key of agent ${agent} could not be written to ${file}.`, {
      remedy: `Its key is in escrow: agent-vault restore-agent ${agent} writes it, with --out FILE to another place.`,
      cause,
    });
  }
}
