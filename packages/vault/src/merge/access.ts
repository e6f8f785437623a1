import { deletedSecret, entriesOf, entryKey, isTakenBack, secretEntry, type ManifestEntry, type Removal } from "../format/removals.js";
import type { Manifest } from "../format/manifest.js";
import { defaultGroupOf, isValid, parseSecretPath, type SecretPath } from "../format/names.js";
import { digestOf } from "../lock/digest.js";
import { describeRemoval } from "../difference/removals.js";
import { eachSide, type MergeInput, type Sided, type SideIndex } from "./merge-input.js";
import { isSameSecret, otherSide, type MovedPaths, type SecretView, type UndoneMove } from "./moves.js";
import type { Dialog } from "./questions.js";
import { mergeKeys } from "./three-way.js";

/** Who is there, who is in which group, and which group lists what. */
export interface MergedAccess {
  readonly owners: ReadonlySet<string>;
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  readonly groups: ReadonlyMap<string, ReadonlySet<SecretPath>>;
  readonly extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>;
  readonly removals: readonly Removal[];
}

/** What one state says, with secrets under the paths of the result. */
interface Entries {
  readonly entries: Map<string, ManifestEntry>;
  /** Removals by all that they say. */
  readonly removals: Map<string, Removal>;
}

/**
 * Merges what the manifests say as sets, in which a removal beats an entry that is unchanged, and a grant that has not seen it. So the
 * result is the same in whatever order the states of a graph are merged.
 * @param secrets those of the result
 */
export function mergeAccess(
  { bases, sides }: MergeInput,
  moved: MovedPaths,
  secrets: { has(path: SecretPath): boolean },
  dialog: Dialog,
): MergedAccess {
  const inBases = moved.bases.map((view) => entriesIn(view));
  const inSides = eachSide(moved.sides, (view) => entriesIn(view));
  for (const move of moved.undone) undoMove(inSides[move.side], inBases, move);
  for (const [side, state] of sides.entries()) {
    addUnremembered(inSides[side as SideIndex], inBases, state.digest);
    addDeletions(inSides[side as SideIndex], moved.sides[side as SideIndex], moved.bases);
  }
  dropOfFormerAgents(inSides);
  for (const side of [0, 1] as const) dropOfReplaced(inSides[side], moved.sides[otherSide(side)], moved.bases, inBases);

  const removalKeys = mergeKeys(
    inBases.map(({ removals }) => removals),
    [inSides[0].removals, inSides[1].removals],
    bases.isComplete,
  );
  // Without the bases nothing says which removals were taken back: all of them count.
  const live = bases.isComplete ? removalKeys : new Set([...inSides[0].removals.keys(), ...inSides[1].removals.keys()]);
  const removals = [...live].toSorted().map((key) => (inSides[0].removals.get(key) ?? inSides[1].removals.get(key))!);
  const removed = new Set(removals.map(entryKey));
  const deleted = new Set(removals.map(deletedSecret));
  const merged = mergeKeys(
    inBases.map(({ entries }) => entries),
    [inSides[0].entries, inSides[1].entries],
    bases.isComplete,
  );
  const all = new Map([...inSides[0].entries, ...inSides[1].entries]);
  for (const key of merged) {
    const entry = all.get(key)!;
    const path = secretOf(entry);
    if (!removed.has(key) && !(path !== undefined && deleted.has(path))) continue;
    merged.delete(key);
    if (path !== undefined && !secrets.has(path)) continue;
    dialog.note({ kind: "removed", subject: entry.subject, text: `${describeRemoval(entry)} was removed on one side, and stays so` });
  }
  const states = [...moved.sides, ...moved.bases];
  const groupNames = (view: SecretView) => view.state.vault.manifest.groups;
  const groups = mergeKeys(moved.bases.map(groupNames), [groupNames(moved.sides[0]), groupNames(moved.sides[1])], true);
  return {
    ...listsOf(
      [...all].flatMap(([key, entry]) => (merged.has(key) ? [entry] : [])),
      groups,
      {
        // What a manifest says of an agent or secret that no state has is of one that is still to come.
        isGoneAgent: (agent) =>
          !merged.has(agentKey(agent)) && [...inSides, ...inBases].some(({ entries }) => entries.has(agentKey(agent))),
        isGoneSecret: (path) => !secrets.has(path) && states.some((view) => view.ownOf(path) !== undefined),
      },
    ),
    removals,
  };
}

const agentKey = (agent: string): string => entryKey({ subject: `agent:${agent}` });

function entriesIn(view: SecretView): Entries {
  const { manifest, owners } = view.state.vault;
  const lists = { ...withExtraAgents(manifest, view), owners };
  const entries = new Map<string, ManifestEntry>();
  for (const entry of entriesOf(lists).values()) {
    const path = secretOf(entry);
    if (path !== undefined && view.isReplaced(path)) continue;
    const renamed = renameEntry(view, entry);
    entries.set(entryKey(renamed), renamed);
  }
  const removals = new Map<string, Removal>();
  for (const removal of manifest.removals) {
    // A deletion is of what was at that path, and does not move with another secret.
    const renamed = deletedSecret(removal) === undefined ? { ...removal, ...renameEntry(view, removal as ManifestEntry) } : removal;
    // What 0.2.0 granted again has taken the removal back.
    if (!isTakenBack(renamed, lists, entries)) removals.set(removalKey(renamed), renamed);
  }
  return { entries, removals };
}

/** In a vault of agent-vault 0.1 only the metadata names extra agents. */
function withExtraAgents(manifest: Manifest, view: SecretView): Pick<Manifest, "agents" | "groups" | "extraAgents"> {
  const { agents, groups } = manifest;
  if (manifest.namesExtraAgents) return { agents, groups, extraAgents: manifest.extraAgents };
  const extra = new Map<SecretPath, Set<string>>();
  for (const path of view.state.secrets) {
    const listing = manifest.groupsOf(path);
    const beyond = view.state.vault.agentsOf(path).filter((agent) => !listing.some((group) => agents.get(agent)!.has(group)));
    if (beyond.length > 0) extra.set(path, new Set(beyond));
  }
  return { agents, groups, extraAgents: extra };
}

function renameEntry(view: SecretView, entry: ManifestEntry): ManifestEntry {
  const rename = <T extends string>(text: T): T => {
    const name = /^secret:(.+)$/.exec(text)?.[1];
    if (name === undefined || !isValid(parseSecretPath, name)) return text;
    return secretEntry(view.resultOf(parseSecretPath(name))) as T;
  };
  return { subject: rename(entry.subject), ...(entry.object !== undefined && { object: rename(entry.object) }) };
}

/** A move takes a secret from the group of its old folder into that of its new one; where the move is not taken, neither happened. */
function undoMove(side: Entries, bases: readonly Entries[], { from, to, path }: UndoneMove): void {
  const [old, now] = [defaultGroupOf(from), defaultGroupOf(to)];
  const listing = (at: SecretPath, group: string): ManifestEntry => ({ subject: secretEntry(at), object: `group:${group}` });
  const [before, after] = [listing(path, old), listing(path, now)];
  if (old === now || !side.entries.has(entryKey(after))) return;
  const isInBase = (entry: ManifestEntry) => bases.some(({ entries }) => entries.has(entryKey(entry)));
  if (!isInBase(after)) side.entries.delete(entryKey(after));
  if (!isInBase(before)) return;
  side.entries.set(entryKey(before), before);
  const ofMove = new Set([entryKey(listing(from, old)), entryKey(before)]);
  const known = new Set(bases.flatMap(({ removals }) => [...removals.keys()]));
  for (const [key, removal] of side.removals) if (ofMove.has(entryKey(removal)) && !known.has(key)) side.removals.delete(key);
}

/**
 * A secret that the other side deleted and made again, or put another one in the place of, is not the one that was listed and granted here
 * meanwhile: that counts for the deleted one alone.
 */
function dropOfReplaced(side: Entries, other: SecretView, bases: readonly SecretView[], inBases: readonly Entries[]): void {
  const isNewThere = (path: SecretPath): boolean => {
    const now = other.ownOf(path);
    if (now === undefined) return false;
    return bases.some((base) => {
      const before = base.ownOf(path);
      return before !== undefined && !isSameSecret(base.state.metadata(before), other.state.metadata(now));
    });
  };
  const known = new Map<SecretPath, boolean>();
  for (const [key, entry] of side.entries) {
    const path = secretOf(entry);
    if (path === undefined || inBases.some(({ entries }) => entries.has(key))) continue;
    if (!known.has(path)) known.set(path, isNewThere(path));
    if (known.get(path)) side.entries.delete(key);
  }
}

/** What a side grants to an agent that the other side has removed is not the new agent's that was added there under its name. */
function dropOfFormerAgents(sides: Sided<Entries>): void {
  const former = eachSide(sides, ({ removals }, side) => {
    const isSeen = (key: string) => sides[otherSide(side)].removals.has(key);
    return new Set([...removals].flatMap(([key, { subject, object }]) => (subject === object && !isSeen(key) ? [subject] : [])));
  });
  const granted = eachSide(sides, ({ entries }) => new Set(entries.keys()));
  for (const side of [0, 1] as const) {
    const other = otherSide(side);
    for (const [key, { subject, object }] of sides[side].entries) {
      if (object === undefined || !former[other].has(subject)) continue;
      if (!granted[other].has(key) || former[side].has(subject)) sides[side].entries.delete(key);
    }
  }
}

/** What agent-vault 0.2.0 removed, or a person by hand, gets its removal from the difference to the base, the same in every merge. */
function addUnremembered(side: Entries, bases: readonly Entries[], state: string): void {
  const known = new Set([...side.removals.values()].map(entryKey));
  for (const base of bases) {
    for (const [key, entry] of base.entries) {
      if (side.entries.has(key) || known.has(key)) continue;
      side.removals.set(...remembered(state, entry));
      known.add(key);
    }
  }
}

/** The same of what was deleted without a removal; a secret that was moved, or is in no group, is not. */
function addDeletions(side: Entries, view: SecretView, bases: readonly SecretView[]): void {
  const known = new Set([...side.removals.values()].map(deletedSecret));
  for (const base of bases) {
    for (const path of base.state.vault.manifest.secrets()) {
      if (known.has(path) || view.ownOf(base.resultOf(path)) !== undefined || !base.state.has(path)) continue;
      const subject = secretEntry(path);
      side.removals.set(...remembered(view.state.digest, { subject }));
      known.add(path);
    }
  }
}

/** A removal that was not remembered, with an id that is the same in every merge. */
function remembered(state: string, { subject, object }: ManifestEntry): [string, Removal] {
  const id = digestOf(`${state} ${entryKey({ subject, object })}`).slice("sha256:".length, "sha256:".length + 32);
  const removal = { subject, ...(object !== undefined && { object }), id };
  return [removalKey(removal), removal];
}

/** The secret that an entry is about. */
function secretOf({ subject, object }: ManifestEntry): SecretPath | undefined {
  const name = [subject, object].find((text) => text?.startsWith("secret:"))?.slice("secret:".length);
  return name === undefined ? undefined : parseSecretPath(name);
}

function removalKey({ id, subject, object }: Removal): string {
  return JSON.stringify([id, subject, object ?? ""]);
}

/** What is not in the result, though some state has it. */
interface Gone {
  isGoneAgent(agent: string): boolean;
  isGoneSecret(path: SecretPath): boolean;
}

/** @param entries in the order of the first side, then what the second adds */
function listsOf(entries: readonly ManifestEntry[], groupNames: Iterable<string>, gone: Gone): Omit<MergedAccess, "removals"> {
  const owners = new Set<string>();
  const agents = new Map<string, Set<string>>();
  const groups = new Map<string, Set<SecretPath>>([...groupNames].map((group) => [group, new Set()]));
  const extraAgents = new Map<SecretPath, Set<string>>();
  const nameOf = (text: string) => text.slice(text.indexOf(":") + 1);
  for (const { subject, object } of entries) {
    if (object !== undefined) continue;
    if (subject.startsWith("owner:")) owners.add(nameOf(subject));
    else agents.set(nameOf(subject), new Set());
  }
  for (const { subject, object } of entries) {
    if (object === undefined) continue;
    const [who, what] = [nameOf(subject), nameOf(object)];
    const secret = subject.startsWith("secret:") ? who : object.startsWith("secret:") ? what : undefined;
    if (secret !== undefined && gone.isGoneSecret(parseSecretPath(secret))) continue;
    if (subject.startsWith("secret:")) add(groups, what, parseSecretPath(who));
    else if (object.startsWith("group:")) agents.get(who)?.add(what);
    else if (!gone.isGoneAgent(who)) add(extraAgents, parseSecretPath(what), who);
  }
  return { owners, agents, groups, extraAgents };
}

function add<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  map.set(key, (map.get(key) ?? new Set()).add(value));
}
