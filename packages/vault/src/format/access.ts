import type { Manifest } from "./manifest.js";
import type { SecretPath } from "./names.js";

/** Whether both lists have the same agents, whatever their order. */
export function isSameAgents(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((agent) => b.includes(agent));
}

/**
 * The agents that may read a secret, in the order in which they are its recipients after the owners: every agent of every group
 * that lists it, then its extra agents. This is the one place where access is worked out.
 * @param authorized the agents that the secret's metadata names: in a vault of agent-vault 0.1, whose manifest names no extra
 *   agents, those beyond the groups are extra agents.
 */
export function agentsOf(manifest: Manifest, path: SecretPath, authorized: readonly string[] = []): string[] {
  const listing = manifest.groupsOf(path);
  const agents = new Set<string>();
  for (const [agent, groups] of manifest.agents) {
    if (listing.some((group) => groups.has(group))) agents.add(agent);
  }
  const extra = manifest.namesExtraAgents ? (manifest.extraAgents.get(path) ?? []) : authorized;
  for (const agent of extra) if (manifest.agents.has(agent)) agents.add(agent);
  return [...agents];
}
