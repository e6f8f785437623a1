import { generateIdentity, type Identity } from "../../age/identity.js";
import { parseRecipient } from "../../age/recipient.js";
import { reencryptAll } from "../../change/reencrypt.js";
import type { FileChanges } from "../../files/changes.js";
import type { Context } from "../../context.js";
import type { VaultState } from "../../files/vault-state.js";
import { MANIFEST_FILE } from "../../format/layout.js";
import type { SignedLock } from "../../lock/open-lock.js";
import { archiveFormerKey, placeForKey, requireFreePlace, writeAgentKey, type AgentKeyPlace } from "../agents/agent-key-file.js";
import type { AgentKeyResult } from "../agents/agent.js";
import { agentFiles } from "../agents/escrow.js";

/** What a change of owners was about. */
export interface OwnersChange {
  readonly owner: string;
  /** All secrets, which were encrypted again, as they are shown. */
  readonly secrets: readonly string[];
  /** Agents that got a new key, with the file that holds it. */
  readonly agents: readonly (AgentKeyResult & { readonly retiredKeyFile: string | undefined })[];
}

/** An agent that gets a new key together with a change of owners. */
export interface RecoveredAgent extends AgentKeyResult {
  readonly identity: Identity;
  readonly place: AgentKeyPlace;
}

/** Makes new keys for all agents where asked for, and puts them in the state; nothing is written yet. */
export async function renewAgentKeys(
  context: Context,
  state: VaultState,
  { recoverAgents, dryRun }: { recoverAgents?: boolean | undefined; dryRun?: boolean },
): Promise<RecoveredAgent[]> {
  const recovered: RecoveredAgent[] = [];
  for (const agent of recoverAgents ? state.manifest.agents.keys() : []) {
    const place = await placeForKey(context, state, agent);
    if (!dryRun) requireFreePlace(context, place);
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const recipient = await identity.recipient();
    state.replaceAgentRecipient(agent, parseRecipient(recipient));
    recovered.push({ agent, recipient, keyFile: place.keyFile, identity, place });
  }
  return recovered;
}

/**
 * Everything, encrypted to the owners and agents whom the state names now, with the escrows of agents that have a new key.
 * @param identities as {@link reencryptAll} takes them
 * @param leaving as {@link reencryptAll} takes it
 */
export async function reencryptWithAgents(
  context: Context,
  state: VaultState,
  identities: readonly [Identity, ...Identity[]],
  agents: readonly RecoveredAgent[],
  leaving = false,
): Promise<FileChanges> {
  const files = await reencryptAll(context, state, identities, { leaving, without: new Set(agents.map(({ agent }) => agent)) });
  for (const { agent, identity } of agents)
    for (const [file, bytes] of await agentFiles(state, identities[0], agent, identity)) files.set(file, bytes);
  return files.set(MANIFEST_FILE, state.manifest.toBytes());
}

/** Writes the key files of agents that got a new key, after the vault was changed. @returns what to tell the caller */
export async function writeAgentKeys(
  context: Context,
  { dryRun }: { dryRun?: boolean },
  signed: SignedLock,
  agents: readonly RecoveredAgent[],
): Promise<OwnersChange["agents"]> {
  const written = [];
  for (const { identity, place, ...made } of agents) {
    const retiredKeyFile = dryRun ? undefined : archiveFormerKey(context, place);
    if (!dryRun) await writeAgentKey(context, signed, made.agent, made.keyFile, identity);
    written.push({ ...made, retiredKeyFile });
  }
  return written;
}
