import { decrypt } from "../../age/decrypt.js";
import { parseIdentity, type Identity } from "../../age/identity.js";
import { encryptChecked } from "../../age/encrypt-checked.js";
import type { FileChanges } from "../../files/changes.js";
import { VaultError } from "../../errors.js";
import type { VaultState } from "../../files/vault-state.js";
import { escrowFile, publicKeyFile } from "../../format/layout.js";

/**
 * An agent's identity from its escrow, checked against its public key.
 * @throws VaultError `FILE_NOT_FOUND` where there is no escrow, `DAMAGED`, `NOT_AUTHORIZED`
 */
export async function openEscrow(state: VaultState, agent: string, owner: Identity): Promise<Identity> {
  const escrow = state.read(escrowFile(agent));
  if (!escrow) {
    throw new VaultError("FILE_NOT_FOUND", `Agent ${agent} has no escrow, so its key cannot be restored.`, {
      remedy: `Give it a new key: agent-vault recover-agent ${agent}.`,
    });
  }
  const identity = parseIdentity(new TextDecoder().decode(await decrypt(escrow, [owner])));
  if ((await identity.recipient()) === state.agentRecipient(agent).text) return identity;
  throw new VaultError("DAMAGED", `The escrow of agent ${agent} holds another key than its public.key names.`, {
    remedy: `Find out who changed it (git log). agent-vault recover-agent ${agent} gives it a new key.`,
  });
}

/** An agent's public key and its escrow. @param owner opens the escrow again before the vault changes */
export async function agentFiles(state: VaultState, owner: Identity, agent: string, identity: Identity): Promise<FileChanges> {
  const encode = (text: string) => new TextEncoder().encode(text);
  const owners = state.owners.map(({ recipient }) => recipient);
  return new Map([
    [publicKeyFile(agent), encode(await identity.recipient())],
    [escrowFile(agent), await encryptChecked(encode(identity.reveal()), owners, [owner])],
  ]);
}
