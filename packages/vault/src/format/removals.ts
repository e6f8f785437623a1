import { formatSecretPath, isValid, parseSecretPath, type SecretPath } from "./names.js";

/** A person or program, or a secret: what is in something, or reads it. */
export type Subject = `agent:${string}` | `owner:${string}` | `secret:${string}`;

/**
 * Something that a manifest says: an owner or agent is there (no object), an agent is in a group or reads a secret of its own, a secret is
 * listed by a group. Secrets are spelled as they are shown.
 */
export interface ManifestEntry {
  readonly subject: Subject;
  readonly object?: `group:${string}` | `secret:${string}` | undefined;
}

/**
 * The removal of an entry, kept in the manifest: merged with a state that still has the entry, or has it again without having seen this
 * removal, the entry stays away. A later grant deletes the removals that it saw, by their random ids. One of a secret without an object is
 * its deletion, which all listings and grants of the secret that have not seen it give way to. One of an agent from itself says that the
 * agent's grants up to then are of a former one, whatever is granted to a new agent of that name.
 */
export interface Removal {
  readonly subject: string;
  readonly object?: string | undefined;
  /** 32 hexadecimal digits. */
  readonly id: string;
}

/** The lists of a manifest that entries come from. */
export interface ManifestLists {
  readonly owners: readonly { readonly name: string }[];
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  readonly groups: ReadonlyMap<string, ReadonlySet<SecretPath>>;
  readonly extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>;
}

/** One entry from another: no two have the same. */
export function entryKey({ subject, object }: { readonly subject: string; readonly object?: string | undefined }): string {
  return JSON.stringify([subject, object ?? ""]);
}

/** A secret as entries name it. */
export function secretEntry(path: SecretPath): `secret:${string}` {
  return `secret:${formatSecretPath(path)}`;
}

/** All that a manifest says, by its keys. */
export function entriesOf({ owners, agents, groups, extraAgents }: ManifestLists): Map<string, ManifestEntry> {
  const entries: ManifestEntry[] = owners.map(({ name }) => ({ subject: `owner:${name}` }));
  for (const [agent, memberships] of agents) {
    entries.push({ subject: `agent:${agent}` });
    for (const group of memberships) entries.push({ subject: `agent:${agent}`, object: `group:${group}` });
  }
  for (const [group, secrets] of groups) for (const path of secrets) entries.push({ subject: secretEntry(path), object: `group:${group}` });
  for (const [path, readers] of extraAgents)
    for (const agent of readers) entries.push({ subject: `agent:${agent}`, object: secretEntry(path) });
  return new Map(entries.map((entry) => [entryKey(entry), entry]));
}

/** The secret whose deletion a removal is; `undefined` for the removal of anything else. */
export function deletedSecret({ subject, object }: Pick<Removal, "subject" | "object">): SecretPath | undefined {
  const name = object === undefined ? /^secret:(.+)$/.exec(subject)?.[1] : undefined;
  return name !== undefined && isValid(parseSecretPath, name) ? parseSecretPath(name) : undefined;
}

/** Whether lists say again what was removed. @param entries theirs */
export function isTakenBack(removal: Removal, lists: ManifestLists, entries: ReadonlyMap<string, unknown>): boolean {
  const deleted = deletedSecret(removal);
  if (deleted === undefined) return entries.has(entryKey(removal));
  return lists.extraAgents.has(deleted) || [...lists.groups.values()].some((secrets) => secrets.has(deleted));
}

/** What an edit did to a manifest. */
export interface ManifestEdit {
  /** What the manifest said before. */
  readonly before: ReadonlyMap<string, ManifestEntry>;
  readonly after: ManifestLists;
  /** Secrets that the edit deleted. */
  readonly deleted: Iterable<SecretPath>;
  /** Agents that the edit removed. */
  readonly removedAgents: Iterable<string>;
}

/**
 * The removals to remember after an edit: those that were there, without those of entries that are there again, and one for each entry and
 * secret that the edit took away.
 * @param newId gives the id of a removal
 */
export function removalsAfter(
  known: readonly Removal[],
  { before, after, deleted, removedAgents }: ManifestEdit,
  newId: () => string,
): Removal[] {
  const entries = entriesOf(after);
  const taken = [...before].flatMap(([key, { subject, object }]): Removal[] =>
    entries.has(key) ? [] : [{ subject, ...(object !== undefined && { object }), id: newId() }],
  );
  const gone = [...deleted].map((path): Removal => ({ subject: secretEntry(path), id: newId() }));
  const former = [...removedAgents].map((agent): Removal => ({ subject: `agent:${agent}`, object: `agent:${agent}`, id: newId() }));
  return [...known, ...taken, ...gone, ...former].filter((removal) => !isTakenBack(removal, after, entries));
}
