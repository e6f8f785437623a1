import { parseRecipient } from "../../age/recipient.js";
import type { Context } from "../../context.js";
import type { VaultState } from "../../files/vault-state.js";
import { escrowFile, publicKeyFile } from "../../format/layout.js";
import { describeKeyFile, requireNoKeyFile } from "../../keys/key-file.js";
import { ownerIdentityAmong } from "../../keys/owner-identity.js";
import { loadVaultKeys } from "../../keys/vault-keys.js";
import { actorOf } from "../../record/recorder.js";
import { openForChange } from "../../reading/open-for-change.js";
import { TrustContext } from "../../trust/trust-context.js";
import { archiveFormerKey, placeForKey, writeAgentKey } from "./agent-key-file.js";
import type { AgentKeyResult, AgentRequest } from "./agent.js";
import { openEscrow } from "./escrow.js";

/** A restored key. */
export interface RestoredKey extends AgentKeyResult {
  /** Where the file that was in its place was moved to, if there was one. */
  readonly retiredKeyFile: string | undefined;
  /** Whether the file held this key already, so nothing was written. */
  readonly present: boolean;
}

/**
 * Writes an agent's key file from its escrow, as on a new machine; the vault does not change. A former key of the agent's in the same
 * place is moved aside.
 * @throws VaultError `AGENT_NOT_FOUND`, `FILE_NOT_FOUND` where there is no escrow, `DAMAGED`, `NOT_AUTHORIZED`, `ALREADY_EXISTS`
 */
export async function restoreAgent(context: Context, request: AgentRequest): Promise<RestoredKey> {
  const keys = await loadVaultKeys(context, request.vault, request.key);
  const trust = new TrustContext(context, request.vault, keys);
  const { state, trusted: signed } = await openForChange(trust, (state) => readEscrow(state, request.agent));
  const agent = state.manifest.requireAgent(request.agent);
  const identity = await openEscrow(state, agent, await ownerIdentityAmong(keys, state));
  const recipient = await identity.recipient();
  const place = await placeForKey(context, state, agent, request);
  const { keyFile } = place;
  const present = (await describeKeyFile(keyFile))?.recipients.includes(recipient) ?? false;
  const restored = { agent, recipient, keyFile, retiredKeyFile: undefined, present };
  if (request.dryRun) return restored;

  const reason = `The key of agent ${agent} was taken from its escrow.`;
  await context.recorder?.record(context, actorOf(state, keys, signed.lock.vault), { outcome: "done", reason });
  if (present) {
    await context.recorder?.admit([parseRecipient(recipient)]);
    return restored;
  }
  if (!place.holdsFormerKey) requireNoKeyFile(context, keyFile);
  const retiredKeyFile = archiveFormerKey(context, place);
  await writeAgentKey(context, signed, agent, keyFile, identity);
  return { ...restored, retiredKeyFile };
}

/** Reads the files that an agent's key is restored from. @throws VaultError `AGENT_NOT_FOUND` */
function readEscrow(state: VaultState, name: string): void {
  const agent = state.manifest.requireAgent(name);
  for (const file of [escrowFile(agent), publicKeyFile(agent)]) state.read(file);
  void state.owners;
}
