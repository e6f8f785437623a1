import type { VaultState } from "../files/vault-state.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { andMore } from "../text/counts.js";
import { named, sortedUnion, type ChangeKind } from "./change.js";
import type { Pair, Side } from "./pair.js";

const MAX_NAMES = 50;

/** Says something of names. @param one whether there is only one */
type Words = (names: string, one: boolean) => string;

/**
 * What the manifests say of groups and extra agents, whether or not it lets anybody read anything yet: a membership of a group that does
 * not exist, and a grant of a secret that does not, take effect later, when nobody looks.
 */
export function compareGrants(pair: Pair): void {
  const before = pair.before && pair.tryRead("before", MANIFEST_FILE, () => pair.before!.manifest);
  const now = pair.tryRead("after", MANIFEST_FILE, () => pair.after.manifest);
  if ((pair.before && !before) || !now) return;
  compareMemberships(pair, before, now);
  compareGroups(pair, before, now);
  compareExtraAgents(pair, extraAgentsOf(pair, "before"), extraAgentsOf(pair, "after"), now);
}

function compareMemberships(pair: Pair, before: Manifest | undefined, now: Manifest): void {
  for (const agent of sortedUnion(before?.agents.keys() ?? [], now.agents.keys())) {
    const [had, has] = [before?.agents.get(agent) ?? new Set<string>(), now.agents.get(agent) ?? new Set<string>()];
    const [joined, left] = onlyIn(had, has);
    const say = (groups: readonly string[], widens: boolean, words: Words) =>
      addNamed(pair, "membership", agent, groups, widens, (names, one) => words(`${one ? "group" : "groups"} ${names}`, one));
    say(
      joined.filter((group) => now.groups.get(group)?.size),
      true,
      (groups) => `agent ${agent} joins ${groups}`,
    );
    say(
      joined.filter((group) => now.groups.get(group)?.size === 0),
      true,
      (groups) => `agent ${agent} joins ${groups}, which lists no secret yet`,
    );
    say(
      joined.filter((group) => !now.groups.has(group)),
      true,
      (groups, one) => `agent ${agent} would join ${groups} when ${one ? "it exists" : "they exist"}`,
    );
    say(left, false, (groups) => `agent ${agent} leaves ${groups}`);
  }
}

function compareGroups(pair: Pair, before: Manifest | undefined, now: Manifest): void {
  for (const group of sortedUnion(before?.groups.keys() ?? [], now.groups.keys())) {
    const [listed, lists] = [before?.groups.get(group), now.groups.get(group)];
    const hasAgents = [...now.agents.values()].some((groups) => groups.has(group));
    const [added, removed] = onlyIn<SecretPath>(listed ?? new Set(), lists ?? new Set());
    const say = (paths: readonly SecretPath[], widens: boolean, words: Words) =>
      addNamed(pair, "group", group, paths.map(formatSecretPath), widens, words);
    say(
      added.filter((path) => exists(pair, path)),
      hasAgents,
      (secrets) => `group ${group} lists ${secrets}`,
    );
    say(
      added.filter((path) => !exists(pair, path)),
      hasAgents,
      (secrets, one) => `group ${group} would give its agents ${secrets} when ${one ? "it exists" : "they exist"}`,
    );
    say(removed, false, (secrets) => `group ${group} no longer lists ${secrets}`);
    if (added.length + removed.length > 0 || (listed && lists)) continue;
    const text = lists ? `group ${group} is new and lists no secret` : `group ${group}, which listed no secret, was removed`;
    pair.add({ kind: "group", subject: group, widens: false, text }, MANIFEST_FILE);
  }
}

type ExtraAgents = ReadonlyMap<string, ReadonlySet<SecretPath>>;

function compareExtraAgents(pair: Pair, before: ExtraAgents, after: ExtraAgents, now: Manifest): void {
  for (const agent of sortedUnion(before.keys(), after.keys())) {
    const [granted, revoked] = onlyIn<SecretPath>(before.get(agent) ?? new Set(), after.get(agent) ?? new Set());
    const say = (paths: readonly SecretPath[], widens: boolean, words: Words) =>
      addNamed(pair, "grant", agent, paths.map(formatSecretPath), widens, words);
    const isAgent = now.agents.has(agent);
    const who = isAgent ? `agent ${named(agent)}` : `agent ${named(agent)}, which does not exist yet,`;
    say(
      granted.filter((path) => exists(pair, path)),
      true,
      (secrets) => `${who} ${isAgent ? "is" : "would be"} granted ${secrets}`,
    );
    say(
      granted.filter((path) => !exists(pair, path)),
      true,
      (secrets, one) => `${who} would be granted ${secrets} when ${one ? "it exists" : "they exist"}`,
    );
    say(revoked, false, (secrets) => `agent ${named(agent)} is no longer granted ${secrets}`);
  }
}

/** The secrets of each extra agent. In a vault of agent-vault 0.1 they are those whose metadata names an agent that no group gives them. */
function extraAgentsOf(pair: Pair, side: Side): ExtraAgents {
  const found = new Map<string, Set<SecretPath>>();
  const state = pair[side];
  if (!state) return found;
  const add = (path: SecretPath, agent: string) => found.set(agent, (found.get(agent) ?? new Set()).add(path));
  const { manifest } = state;
  if (manifest.namesExtraAgents) for (const [path, agents] of manifest.extraAgents) for (const agent of agents) add(path, agent);
  else for (const path of pair.secretPaths(side)) for (const agent of beyondGroups(pair, side, state, path)) add(path, agent);
  return found;
}

function beyondGroups(pair: Pair, side: Side, state: VaultState, path: SecretPath): readonly string[] {
  const named = pair.tryRead(side, metadataFile(path), () => state.authorizedAgents(path)) ?? [];
  const groups = state.manifest.groupsOf(path);
  return named.filter((agent) => !groups.some((group) => state.manifest.agents.get(agent)?.has(group)));
}

function exists(pair: Pair, path: SecretPath): boolean {
  return pair.has("after", secretFile(path));
}

function addNamed(pair: Pair, kind: ChangeKind, subject: string, names: readonly string[], widens: boolean, words: Words): void {
  if (names.length > 0)
    pair.add({ kind, subject, widens, text: words(andMore(names.toSorted().map(named), MAX_NAMES), names.length === 1) }, MANIFEST_FILE);
}

/** What only the second set has, and what only the first. */
function onlyIn<T>(before: ReadonlySet<T>, after: ReadonlySet<T>): [added: T[], removed: T[]] {
  return [[...after].filter((item) => !before.has(item)), [...before].filter((item) => !after.has(item))];
}
