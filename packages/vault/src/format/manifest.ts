import { isMap, isSeq, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import * as z from "zod/mini";
import { VaultError } from "../errors.js";
import { FIRST_OWNER_FILE, MANIFEST_FILE } from "./layout.js";
import { formatSecretPath, parseAgentName, parseGroupName, parseSecretPath, type SecretPath } from "./names.js";
import { suggestion } from "../text/did-you-mean.js";
import { readYaml, syncSequence, writeYaml } from "./yaml-document.js";

const named = { name: z.string() };
const list = <T extends z.ZodMiniType>(item: T) => z._default(z.nullable(z.array(item)), []);
const manifestSchema = z.looseObject({
  version: z.literal(1, { error: "this agent-vault reads version 1 only" }),
  owners: list(z.looseObject({ ...named, public_key: z._default(z.string(), FIRST_OWNER_FILE) })),
  agents: list(z.looseObject({ ...named, groups: list(z.string()) })),
  groups: list(z.looseObject({ ...named, secrets: list(z.string()) })),
  extra_agents: z.optional(z.nullable(z.record(z.string(), list(z.string())))),
});

/** An owner: a name, and the file of the recipient, relative to the vault's folder. */
export interface OwnerEntry {
  readonly name: string;
  readonly file: string;
}

/**
 * `manifest.yaml`: who is in which group, and which secrets a group lists. Edits change the model; `toBytes` carries them
 * into the document, where comments, order, unknown fields and entries with unusable names stay as they are.
 */
export class Manifest {
  owners: readonly OwnerEntry[];
  /** Agent to groups, in the file's order. */
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  /** Group to secrets, in the file's order. */
  readonly groups: ReadonlyMap<string, ReadonlySet<SecretPath>>;
  /** Secret to agents that read it beyond its groups. */
  readonly extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>;
  /** What was left out of the model because of its name, or because it stands twice. */
  readonly problems: readonly string[];
  #source: Uint8Array;
  readonly #document: Document;
  readonly #agents = new Map<string, Set<string>>();
  readonly #groups = new Map<string, Set<SecretPath>>();
  readonly #extraAgents = new Map<SecretPath, Set<string>>();
  #namesExtraAgents: boolean;
  #changed = false;

  private constructor(source: Uint8Array, document: Document, data: z.infer<typeof manifestSchema>) {
    this.#source = source;
    this.#document = document;
    this.agents = this.#agents;
    this.groups = this.#groups;
    this.extraAgents = this.#extraAgents;
    const problems: string[] = [];
    this.owners = (data.owners ?? []).map(({ name, public_key }) => ({ name, file: public_key }));
    for (const { name, groups } of data.agents ?? []) {
      if (!valid(parseAgentName, name)) problems.push(`agent ${JSON.stringify(name)} breaks the grammar of names`);
      else if (this.#agents.has(name)) problems.push(`agent ${name} stands twice`);
      else this.#agents.set(name, new Set(groups ?? []));
    }
    for (const { name, secrets } of data.groups ?? []) {
      if (!valid(parseGroupName, name)) problems.push(`group ${JSON.stringify(name)} breaks the grammar of names`);
      else if (this.#groups.has(name)) problems.push(`group ${name} stands twice`);
      else this.#groups.set(name, paths(secrets ?? [], `group ${name}`));
    }
    this.#namesExtraAgents = data.extra_agents !== undefined;
    for (const [secret, agents] of Object.entries(data.extra_agents ?? {})) {
      for (const path of paths([secret], "extra_agents"))
        this.#extraAgents.set(path, new Set([...(this.#extraAgents.get(path) ?? []), ...(agents ?? [])]));
    }
    this.problems = problems;

    function paths(texts: readonly string[], where: string): Set<SecretPath> {
      const result = new Set<SecretPath>();
      for (const text of texts) {
        if (valid(parseSecretPath, text)) result.add(parseSecretPath(text));
        else problems.push(`secret ${JSON.stringify(text)} in ${where} breaks the grammar of names`);
      }
      return result;
    }
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  static parse(bytes: Uint8Array): Manifest {
    const { document, data } = readYaml(bytes, MANIFEST_FILE, manifestSchema, "INVALID_MANIFEST");
    return new Manifest(bytes, document, data);
  }

  static create(ownerName: string): Manifest {
    const owner = JSON.stringify(ownerName);
    return Manifest.parse(
      new TextEncoder().encode(
        `version: 1\nowners:\n- name: ${owner}\n  public_key: ${FIRST_OWNER_FILE}\nagents: []\ngroups: []\nextra_agents: {}\n`,
      ),
    );
  }

  /** @throws VaultError `AGENT_NOT_FOUND` with the nearest name */
  requireAgent(name: string): string {
    if (this.agents.has(parseAgentName(name))) return name;
    throw agentNotFound(name, this.agents.keys());
  }

  /** @throws VaultError `GROUP_NOT_FOUND` with the nearest name */
  requireGroup(name: string): string {
    if (this.groups.has(parseGroupName(name))) return name;
    throw groupNotFound(name, this.groups.keys());
  }

  /** Every secret that a group lists or that has extra agents. */
  secrets(): Set<SecretPath> {
    const all = new Set<SecretPath>(this.extraAgents.keys());
    for (const secrets of this.groups.values()) for (const path of secrets) all.add(path);
    return all;
  }

  /** The groups that list a secret, in the file's order. */
  groupsOf(path: SecretPath): string[] {
    return [...this.groups].filter(([, secrets]) => secrets.has(path)).map(([group]) => group);
  }

  /** Whether the manifest itself names extra agents; in one of agent-vault 0.1 only the metadata does. */
  get namesExtraAgents(): boolean {
    return this.#namesExtraAgents;
  }

  /** Takes over the extra agents that only the metadata knew of; from here on the manifest alone says who reads what. */
  adoptExtraAgents(extra: ReadonlyMap<SecretPath, readonly string[]>): void {
    for (const [path, agents] of extra) this.#extraAgents.set(path, new Set(agents));
    this.#namesExtraAgents = true;
    this.#changed = true;
  }

  setOwners(owners: readonly OwnerEntry[]): void {
    this.owners = owners;
    this.#changed = true;
  }

  addAgent(name: string): void {
    this.#agents.set(name, new Set());
    this.#changed = true;
  }

  removeAgent(name: string): void {
    this.#agents.delete(name);
    for (const path of Array.from(this.#extraAgents.keys())) this.removeExtraAgent(path, name);
    this.#changed = true;
  }

  /** Takes out extra agents that are none of the manifest's agents. @returns the secrets that named this one */
  dropDanglingGrants(name: string): SecretPath[] {
    if (this.#agents.has(name)) return [];
    const paths = [...this.#extraAgents].flatMap(([path, agents]) => (agents.has(name) ? [path] : []));
    for (const path of paths) this.removeExtraAgent(path, name);
    return paths;
  }

  joinGroup(agent: string, group: string): void {
    this.#agents.get(agent)!.add(group);
    this.#changed = true;
  }

  leaveGroup(agent: string, group: string): void {
    this.#agents.get(agent)!.delete(group);
    this.#changed = true;
  }

  /** @throws VaultError `ALREADY_EXISTS` where the group would be new and another one's name differs in case only */
  listSecret(group: string, path: SecretPath): void {
    const secrets = this.#groups.get(group) ?? this.#newGroup(group);
    this.#groups.set(group, secrets.add(path));
    this.#changed = true;
  }

  #newGroup(group: string): Set<SecretPath> {
    const twin = [...this.#groups.keys()].find((name) => name.toLowerCase() === group.toLowerCase());
    if (twin === undefined) return new Set();
    throw new VaultError("ALREADY_EXISTS", `The groups ${group} and ${twin} would differ in upper and lower case only.`, {
      remedy: "Use the present spelling or another name.",
    });
  }

  /** Takes a secret out of one group. */
  unlistFrom(group: string, path: SecretPath): void {
    this.#groups.get(group)!.delete(path);
    this.#changed = true;
  }

  unlistSecret(path: SecretPath): void {
    for (const secrets of this.#groups.values()) secrets.delete(path);
    this.#extraAgents.delete(path);
    this.#changed = true;
  }

  addExtraAgent(path: SecretPath, agent: string): void {
    this.#extraAgents.set(path, (this.#extraAgents.get(path) ?? new Set()).add(agent));
    this.#changed = true;
  }

  removeExtraAgent(path: SecretPath, agent: string): void {
    const agents = this.#extraAgents.get(path);
    agents?.delete(agent);
    if (agents?.size === 0) this.#extraAgents.delete(path);
    this.#changed = true;
  }

  /**
   * The file: the very bytes that were read where nothing has changed. What was written is read again before it counts.
   * @throws VaultError `DAMAGED` where it would mean something else than this manifest
   */
  toBytes(): Uint8Array {
    if (!this.#changed) return this.#source;
    const document = this.#document;
    syncOwners(document, this.owners);
    syncNamed(
      document,
      "agents",
      "groups",
      (name) => valid(parseAgentName, name),
      this.agents,
      (group) => group,
    );
    syncNamed(document, "groups", "secrets", (name) => valid(parseGroupName, name), this.groups, formatSecretPath);
    const extra = document.getIn(["extra_agents"], true);
    const map = isMap(extra) ? extra : document.createNode({});
    if (map !== extra) document.set("extra_agents", map);
    const wanted = new Map([...this.extraAgents].map(([path, agents]) => [formatSecretPath(path), [...agents]]));
    for (const key of map.items.map((item) => String(item.key))) {
      // One path may be spelled in two ways; the shown one stays.
      if (valid(parseSecretPath, key) && !wanted.has(key)) map.delete(key);
    }
    for (const [key, agents] of wanted) syncSequence(document, ["extra_agents", key], agents);
    map.flow = map.items.length === 0;
    const bytes = writeYaml(document);
    if (Manifest.parse(bytes).#meaning() !== this.#meaning()) {
      throw new VaultError("DAMAGED", "The new manifest.yaml would not say what it should.", {
        remedy: "Nothing was changed. Bring manifest.yaml into the form that docs/format.md shows, and report this.",
      });
    }
    this.#source = bytes;
    this.#changed = false;
    return bytes;
  }

  #meaning(): string {
    const sets = (map: ReadonlyMap<string, ReadonlySet<string>>) =>
      [...map].map(([name, values]) => [name, ...[...values].toSorted()].join("\n")).toSorted();
    return JSON.stringify([
      this.owners,
      sets(this.agents),
      sets(this.groups),
      sets(this.extraAgents),
      [...new Set(this.problems)].toSorted(),
    ]);
  }
}

/** Carries the owners into their sequence of `{name, public_key}`. */
function syncOwners(document: Document, owners: readonly OwnerEntry[]): void {
  const node = document.get("owners", true);
  if (owners.length === 0 && !isSeq(node)) return;
  const sequence = (isSeq(node) ? node : document.createNode([])) as YAMLSeq<YAMLMap>;
  if (sequence !== node) document.set("owners", sequence);
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

/** Carries one of the model's maps into its sequence of `{name, FIELD: [...]}`. */
function syncNamed<T extends string>(
  document: Document,
  key: "agents" | "groups",
  field: string,
  isModelled: (name: string) => boolean,
  model: ReadonlyMap<string, ReadonlySet<T>>,
  format: (value: T) => string,
): void {
  const node = document.get(key, true);
  const sequence = (isSeq(node) ? node : document.createNode([])) as YAMLSeq<YAMLMap>;
  if (sequence !== node) document.set(key, sequence);
  const missing = new Set(model.keys());
  sequence.items = sequence.items.filter((item) => {
    const name = String(item.get("name"));
    return !isModelled(name) || missing.delete(name);
  });
  for (const name of missing) sequence.add(document.createNode({ name, [field]: [] }));
  sequence.flow = sequence.items.length === 0;
  sequence.items.forEach((item, index) => {
    const values = model.get(String(item.get("name")));
    if (values) syncField(document, [key, index, field], [...values], format);
  });
}

function syncField<T extends string>(
  document: Document,
  path: readonly unknown[],
  values: readonly T[],
  format: (value: T) => string,
): void {
  const node = document.getIn(path, true);
  const unusable =
    isSeq(node) && format === (formatSecretPath as unknown) ? node.items.map(String).filter((text) => !valid(parseSecretPath, text)) : [];
  const spelled = new Map<string, string>();
  if (isSeq(node)) for (const item of node.items) spelled.set(canonical(String(item)), String(item));
  syncSequence(document, path, [...values.map((value) => spelled.get(canonical(format(value))) ?? format(value)), ...unusable]);
}

/** `default/x` and `x` name the same secret, and the file may hold either. */
function canonical(text: string): string {
  return valid(parseSecretPath, text) ? formatSecretPath(parseSecretPath(text)) : text;
}

function valid(parse: (text: string) => string, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

export function agentNotFound(name: string, agents: Iterable<string>): VaultError {
  return new VaultError("AGENT_NOT_FOUND", `There is no agent ${name} in this vault.`, {
    remedy: `${suggestion(name, agents)}agent-vault list-agents shows them all.`,
  });
}

export function groupNotFound(name: string, groups: Iterable<string>): VaultError {
  return new VaultError("GROUP_NOT_FOUND", `There is no group ${name} in this vault.`, {
    remedy: `${suggestion(name, groups)}A group comes into being with its first secret: agent-vault set ${name}/NAME.`,
  });
}
