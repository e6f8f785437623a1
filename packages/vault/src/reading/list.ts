import { metadataFile } from "../format/layout.js";
import { parseMetadata, type Metadata } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { VaultState } from "../files/vault-state.js";

/** What may be told of a secret: everything but its value. */
export interface SecretEntry {
  readonly secret: string;
  readonly groups: readonly string[];
  readonly agents: readonly string[];
  readonly metadata: Metadata | undefined;
}

/** An agent as a list shows it, with what it can read by its groups and beyond them. */
export interface AgentEntry {
  readonly agent: string;
  readonly groups: readonly string[];
  /** How many secrets it reads, by its groups and beyond them. */
  readonly secrets: number;
  /** Secrets that it reads beyond its groups. */
  readonly extra: readonly string[];
}

/**
 * The vault's secrets, sorted by path.
 * @param group only those that this group lists. @throws VaultError `GROUP_NOT_FOUND`, `INVALID_YAML`, `INVALID_METADATA`
 */
export function listSecrets(state: VaultState, group?: string): SecretEntry[] {
  const listed = group === undefined ? undefined : state.manifest.groups.get(state.manifest.requireGroup(group));
  return state
    .secretPaths()
    .filter((path) => listed?.has(path) ?? true)
    .map((path) => {
      const bytes = state.read(metadataFile(path));
      return {
        secret: formatSecretPath(path),
        groups: state.manifest.groupsOf(path),
        agents: state.agentsOf(path),
        metadata: bytes && parseMetadata(bytes, path),
      };
    });
}

/** The vault's agents, in the manifest's order. */
export function listAgents(state: VaultState): AgentEntry[] {
  const { manifest } = state;
  const reads = new Map<string, SecretPath[]>([...manifest.agents.keys()].map((agent) => [agent, []]));
  for (const path of state.secretPaths()) for (const agent of state.agentsOf(path)) reads.get(agent)!.push(path);
  return [...manifest.agents].map(([agent, groups]) => ({
    agent,
    groups: [...groups],
    secrets: reads.get(agent)!.length,
    extra: reads
      .get(agent)!
      .filter((path) => !manifest.groupsOf(path).some((group) => groups.has(group)))
      .map(formatSecretPath),
  }));
}
