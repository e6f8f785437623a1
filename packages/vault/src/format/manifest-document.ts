import { isMap, isSeq, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import { FIRST_OWNER_FILE } from "./layout.js";
import { formatSecretPath, isValid, parseAgentName, parseGroupName, parseSecretPath, type SecretPath } from "./names.js";
import type { Removal } from "./removals.js";
import { syncSequence } from "./yaml-document.js";

/** An owner: a name, and the file of the recipient, relative to the vault's folder. */
export interface OwnerEntry {
  readonly name: string;
  readonly file: string;
}

/** The parts of a manifest that agent-vault edits. */
export interface ManifestModel {
  readonly owners: readonly OwnerEntry[];
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  readonly groups: ReadonlyMap<string, ReadonlySet<SecretPath>>;
  readonly extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>;
  readonly removals: readonly Removal[];
}

/** Makes a manifest's document say what the model does. Comments, order, unknown fields and entries with invalid names stay as they are. */
export function updateManifestDocument(document: Document, { owners, agents, groups, extraAgents, removals }: ManifestModel): void {
  syncOwners(document, owners);
  syncEntries(document, { key: "agents", field: "groups", parseName: parseAgentName }, agents, syncSequence);
  syncEntries(document, { key: "groups", field: "secrets", parseName: parseGroupName }, groups, syncSecrets);
  syncExtraAgents(document, extraAgents);
  syncRemovals(document, removals);
}

/** The sequence of `{subject, object, id}`; without a removal there is no such field, as in every manifest of 0.2.0. */
function syncRemovals(document: Document, removals: readonly Removal[]): void {
  if (removals.length === 0) {
    document.delete("removed");
    return;
  }
  const sequence = sequenceAt(document, "removed");
  const keyOf = (fields: readonly unknown[]) => JSON.stringify(fields);
  const present = new Map(sequence.items.map((item) => [keyOf([item.get("id"), item.get("subject"), item.get("object")]), item]));
  sequence.items = removals.map((removal) => {
    const { id, subject, object } = removal;
    return present.get(keyOf([id, subject, object])) ?? document.createNode(removal);
  });
  sequence.flow = false;
}

/** The sequence of `{name, public_key}`. */
function syncOwners(document: Document, owners: readonly OwnerEntry[]): void {
  if (owners.length === 0 && !isSeq(document.get("owners", true))) return;
  const sequence = sequenceAt(document, "owners");
  const present = [...sequence.items];
  sequence.items = owners.map(({ name, file }) => {
    const item = present.find((candidate) => String(candidate.get("name")) === name);
    if (!item) return document.createNode({ name, public_key: file });
    present.splice(present.indexOf(item), 1);
    if ((item.get("public_key") ?? FIRST_OWNER_FILE) !== file) item.set("public_key", file);
    return item;
  });
  sequence.flow = sequence.items.length === 0;
}

/** A sequence of `{name, FIELD: [...]}`. */
function syncEntries<T>(
  document: Document,
  { key, field, parseName }: { key: "agents" | "groups"; field: string; parseName: (text: string) => string },
  model: ReadonlyMap<string, ReadonlySet<T>>,
  syncField: (document: Document, path: readonly unknown[], values: readonly T[]) => void,
): void {
  const sequence = sequenceAt(document, key);
  const missing = new Set(model.keys());
  sequence.items = sequence.items.filter((item) => {
    const name = String(item.get("name"));
    return !isValid(parseName, name) || missing.delete(name);
  });
  for (const name of missing) sequence.add(document.createNode({ name, [field]: [] }));
  sequence.flow = sequence.items.length === 0;
  sequence.items.forEach((item, index) => {
    const values = model.get(String(item.get("name")));
    if (values) syncField(document, [key, index, field], [...values]);
  });
}

/** A group's secrets, each as the file spells it already, and with them what is not a secret's name. */
function syncSecrets(document: Document, path: readonly unknown[], secrets: readonly SecretPath[]): void {
  const node = document.getIn(path, true);
  const present = isSeq(node) ? node.items.map(String) : [];
  const spellings = new Map(present.map((text) => [shownPath(text), text]));
  const invalid = present.filter((text) => !isValid(parseSecretPath, text));
  syncSequence(document, path, [...secrets.map(formatSecretPath).map((shown) => spellings.get(shown) ?? shown), ...invalid]);
}

/** The mapping of secrets to agents. */
function syncExtraAgents(document: Document, extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>): void {
  const node = document.getIn(["extra_agents"], true);
  const map = isMap(node) ? node : document.createNode({});
  if (map !== node) document.set("extra_agents", map);
  const wanted = new Map([...extraAgents].map(([path, agents]) => [formatSecretPath(path), [...agents]]));
  for (const key of map.items.map((item) => String(item.key))) {
    // One path may be spelled in two ways; the one that is shown stays.
    if (isValid(parseSecretPath, key) && !wanted.has(key)) map.delete(key);
  }
  for (const [key, agents] of wanted) syncSequence(document, ["extra_agents", key], agents);
  map.flow = map.items.length === 0;
}

function sequenceAt(document: Document, key: string): YAMLSeq<YAMLMap> {
  const node = document.get(key, true);
  const sequence = (isSeq(node) ? node : document.createNode([])) as YAMLSeq<YAMLMap>;
  if (sequence !== node) document.set(key, sequence);
  return sequence;
}

/** `default/x` and `x` name the same secret, and the file may hold either. */
function shownPath(text: string): string {
  return isValid(parseSecretPath, text) ? formatSecretPath(parseSecretPath(text)) : text;
}
