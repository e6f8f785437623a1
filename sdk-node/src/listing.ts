import type { VaultState } from "@agent-vault/vault";
import type { AgentInfo, SecretMetadata } from "./metadata.js";
import { wholeVault } from "./whole-vault.js";

/** The secrets of a state, sorted by name. @throws VaultError `GROUP_NOT_FOUND` */
export function secretsOf(state: VaultState, group?: string): SecretMetadata[] {
  return wholeVault()
    .listSecrets(state, group)
    .map(({ secret, groups, agents, metadata }) => ({
      name: secret,
      group: metadata?.group ?? groups[0] ?? "default",
      createdAt: new Date(metadata?.created ?? 0),
      rotatedAt: new Date(metadata?.rotated ?? metadata?.created ?? 0),
      ...(metadata?.expires && { expiresAt: new Date(metadata.expires) }),
      authorizedAgents: [...agents],
    }));
}

/** The agents of a state, in the manifest's order. */
export function agentsOf(state: VaultState): AgentInfo[] {
  return wholeVault()
    .listAgents(state)
    .map(({ agent, groups }) => ({ name: agent, groups: [...groups] }));
}
