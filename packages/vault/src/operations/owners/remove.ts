import { changeSigned, type ChangeRequest } from "../../change/signed-change.js";
import type { Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import type { Owner, VaultState } from "../../files/vault-state.js";
import { formatSecretPath, parseOwnerName } from "../../format/names.js";
import { suggestion } from "../../text/did-you-mean.js";
import { reencryptWithAgents, renewAgentKeys, writeAgentKeys, type OwnersChange } from "./recovered-agents.js";
import { ownerEntries, replaceOwners } from "./replace-owners.js";

/** Whom to remove. */
export interface RemoveOwnerRequest extends ChangeRequest {
  readonly owner: string;
  /** Give every agent a new key as well. */
  readonly recoverAgents?: boolean | undefined;
}

/**
 * Takes an owner out of a vault; that may be the caller, where another owner remains.
 * @throws VaultError `OWNER_NOT_FOUND`, `CONFLICT` for the last owner, `USAGE`, and what a transaction throws
 */
export async function removeOwner(context: Context, request: RemoveOwnerRequest): Promise<OwnersChange> {
  const name = parseOwnerName(request.owner);
  const { result, signed } = await changeSigned(context, request, async (state, signer) => {
    const leaver = requireOwnerNamed(state, name);
    const staying = state.owners.filter((owner) => owner.name !== name);
    if (staying.length === 0) throw lastOwner(name);
    const leaving = signer !== undefined && (await signer.recipient()) === leaver.recipient.text;
    if (leaving && request.recoverAgents) {
      throw new VaultError("USAGE", "You cannot replace the agents' keys as you leave, because you would know the new ones.", {
        remedy: "Ask another owner to run agent-vault remove-owner with --recover-agents.",
      });
    }
    const entries = ownerEntries(state).filter((entry) => entry.name !== name);
    const ownerFiles = replaceOwners(state, entries, staying);
    const agents = await renewAgentKeys(context, state, request);
    return {
      message: `agent-vault: remove owner ${name}`,
      result: { owner: name, secrets: state.secretPaths().map(formatSecretPath), agents },
      owners: ({ lock }) => {
        const others = lock.owners.filter((owner) => owner.name !== name);
        if (others.length === 0) throw lastOwner(name);
        return others;
      },
      files: async (owner) => new Map([...(await reencryptWithAgents(context, state, [owner], agents, leaving)), ...ownerFiles]),
    };
  });
  return { ...result, agents: await writeAgentKeys(context, request, signed, result.agents) };
}

function requireOwnerNamed({ owners }: VaultState, name: string): Owner {
  const owner = owners.find((candidate) => candidate.name === name);
  if (owner) return owner;
  const names = owners.map((candidate) => candidate.name);
  throw new VaultError("OWNER_NOT_FOUND", `There is no owner ${name} in this vault.`, {
    remedy: `${suggestion(name, names)}agent-vault list-owners shows them all.`,
  });
}

function lastOwner(name: string): VaultError {
  return new VaultError("CONFLICT", `${name} is the only owner of this vault, so they cannot be removed.`, {
    remedy: "Add another owner first (agent-vault add-owner), or replace the key with agent-vault rotate-owner.",
  });
}
