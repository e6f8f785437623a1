import { VaultError } from "../errors.js";
import { andMore } from "../text/counts.js";
import { suggestion } from "../text/did-you-mean.js";

/** The error for an agent that a vault does not have, with the nearest name that it has. @param isGroup whether a group has the name */
export function agentNotFound(name: string, agents: Iterable<string>, isGroup = false): VaultError {
  return new VaultError("AGENT_NOT_FOUND", `There is no agent ${name} in this vault.`, {
    remedy: `${isGroup ? `${name} is a group; grant and revoke take the agent first. ` : suggestion(name, agents)}agent-vault list-agents shows all agents.`,
  });
}

/** The error for a group that a vault does not have, with the nearest name that it has. @param isAgent whether an agent has the name */
export function groupNotFound(name: string, groups: Iterable<string>, isAgent = false): VaultError {
  const all = [...groups];
  return new VaultError("GROUP_NOT_FOUND", `There is no group ${name} in this vault.`, {
    remedy: `${isAgent ? `${name} is an agent. ` : suggestion(name, all)}${all.length > 0 ? `The vault has ${all.length === 1 ? "the group" : "the groups"} ${andMore(all, 5)}.` : "agent-vault set GROUP/NAME creates the first."}`,
  });
}
