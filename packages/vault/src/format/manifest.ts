import type { Document } from "yaml";
import * as z from "zod/mini";
import { VaultError } from "../errors.js";
import { FIRST_OWNER_FILE, MANIFEST_FILE } from "./layout.js";
import { updateManifestDocument, type OwnerEntry } from "./manifest-document.js";
import { isValid, parseAgentName, parseGroupName, parseSecretPath, type SecretPath } from "./names.js";
import { agentNotFound, groupNotFound } from "./not-found.js";
import { entriesOf, removalsAfter, type ManifestEntry, type Removal } from "./removals.js";
import { readPlainManifest } from "./plain-manifest.js";
import { readYaml, readYamlFile, writeYaml } from "./yaml-document.js";

const named = { name: z.string() };
const list = <T extends z.ZodMiniType>(item: T) => z._default(z.nullable(z.array(item)), []);
const manifestSchema = z.looseObject({
  version: z.literal(1, { error: "this agent-vault reads version 1 only" }),
  owners: list(z.looseObject({ ...named, public_key: z._default(z.string(), FIRST_OWNER_FILE) })),
  agents: list(z.looseObject({ ...named, groups: list(z.string()) })),
  groups: list(z.looseObject({ ...named, secrets: list(z.string()) })),
  extra_agents: z.optional(z.nullable(z.record(z.string(), list(z.string())))),
  removed: list(z.looseObject({ subject: z.string(), object: z.optional(z.string()), id: z.string() })),
});

export type { OwnerEntry };

/**
 * `manifest.yaml`: who is in which group, and which secrets a group lists. Edits change the model; `toBytes` carries them
 * into the document, where comments, order, unknown fields and entries with invalid names stay as they are.
 */
export class Manifest {
  owners: readonly OwnerEntry[];
  /** Agent to groups, in the file's order. */
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  /** Group to secrets, in the file's order. */
  readonly groups: ReadonlyMap<string, ReadonlySet<SecretPath>>;
  /** Secret to agents that read it beyond its groups. */
  readonly extraAgents: ReadonlyMap<SecretPath, ReadonlySet<string>>;
  /** What was removed, so that no merge brings it back. */
  removals: readonly Removal[];
  /** Agents and groups that are listed twice, such as `agent deploy`; the model has the first entry alone. */
  readonly duplicates: readonly string[];
  /** What was left out of the model because its name is invalid or listed twice, each a sentence without its full stop. */
  readonly problems: readonly string[];
  #source: Uint8Array;
  /** The source as a document, once that is needed: reading it takes long. */
  #document: Document | undefined;
  readonly #agents = new Map<string, Set<string>>();
  readonly #groups = new Map<string, Set<SecretPath>>();
  readonly #extraAgents = new Map<SecretPath, Set<string>>();
  #namesExtraAgents: boolean;
  #changed = false;
  /** What the manifest said before the first edit. */
  #before: ReadonlyMap<string, ManifestEntry> | undefined;
  readonly #deleted = new Set<SecretPath>();
  readonly #removedAgents = new Set<string>();

  private constructor(source: Uint8Array, document: Document | undefined, data: z.infer<typeof manifestSchema>) {
    this.#source = source;
    this.#document = document;
    this.agents = this.#agents;
    this.groups = this.#groups;
    this.extraAgents = this.#extraAgents;
    const problems: string[] = [];
    const duplicates: string[] = [];
    this.owners = (data.owners ?? []).map(({ name, public_key }) => ({ name, file: public_key }));
    this.removals = (data.removed ?? []).map(({ subject, object, id }) => ({ subject, ...(object !== undefined && { object }), id }));
    for (const { name, groups } of data.agents ?? []) {
      if (!isValid(parseAgentName, name)) problems.push(`agent ${JSON.stringify(name)} is not a valid name`);
      else if (this.#agents.has(name)) addDuplicate(`agent ${name}`);
      else this.#agents.set(name, new Set(groups ?? []));
    }
    for (const { name, secrets } of data.groups ?? []) {
      if (!isValid(parseGroupName, name)) problems.push(`group ${JSON.stringify(name)} is not a valid name`);
      else if (this.#groups.has(name)) addDuplicate(`group ${name}`);
      else this.#groups.set(name, paths(secrets ?? [], `group ${name}`));
    }
    this.#namesExtraAgents = data.extra_agents !== undefined;
    for (const [secret, agents] of Object.entries(data.extra_agents ?? {})) {
      for (const path of paths([secret], "extra_agents"))
        this.#extraAgents.set(path, new Set([...(this.#extraAgents.get(path) ?? []), ...(agents ?? [])]));
    }
    this.problems = problems;
    this.duplicates = duplicates;

    function addDuplicate(entry: string): void {
      duplicates.push(entry);
      problems.push(`${entry} is listed twice`);
    }

    function paths(texts: readonly string[], where: string): Set<SecretPath> {
      const result = new Set<SecretPath>();
      for (const text of texts) {
        if (isValid(parseSecretPath, text)) result.add(parseSecretPath(text));
        else problems.push(`secret ${JSON.stringify(text)} in ${where} is not a valid name`);
      }
      return result;
    }
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  static parse(bytes: Uint8Array): Manifest {
    const plain = manifestSchema.safeParse(readPlainManifest(bytes));
    if (plain.success) return new Manifest(bytes, undefined, plain.data);
    const { document, data } = readYaml(bytes, MANIFEST_FILE, manifestSchema, "INVALID_MANIFEST");
    return new Manifest(bytes, document, data);
  }

  /** The manifest of a new vault, with its first owner. */
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
    throw agentNotFound(name, this.agents.keys(), this.groups.has(name));
  }

  /** @throws VaultError `GROUP_NOT_FOUND` with the nearest name */
  requireGroup(name: string): string {
    if (this.groups.has(parseGroupName(name))) return name;
    throw groupNotFound(name, this.groups.keys(), this.agents.has(name));
  }

  /** All secrets that a group lists or that has extra agents. */
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
    this.#edit();
    for (const [path, agents] of extra) this.#extraAgents.set(path, new Set(agents));
    this.#namesExtraAgents = true;
  }

  /** Replaces all owners; the files of their recipients are the caller's to write. */
  setOwners(owners: readonly OwnerEntry[]): void {
    this.#edit();
    this.owners = owners;
  }

  /** Adds an agent that is in no group. */
  addAgent(name: string): void {
    this.#edit();
    this.#agents.set(name, new Set());
  }

  /** Removes an agent and its extra grants. */
  removeAgent(name: string): void {
    this.#edit();
    if (this.#agents.delete(name)) this.#removedAgents.add(name);
    for (const path of Array.from(this.#extraAgents.keys())) this.removeExtraAgent(path, name);
  }

  /** Removes the extra grants of an agent that the manifest does not have. @returns the secrets that were granted to it */
  dropDanglingGrants(name: string): SecretPath[] {
    if (this.#agents.has(name)) return [];
    const paths = [...this.#extraAgents].flatMap(([path, agents]) => (agents.has(name) ? [path] : []));
    for (const path of paths) this.removeExtraAgent(path, name);
    return paths;
  }

  /** Puts an agent that the manifest has into a group. */
  joinGroup(agent: string, group: string): void {
    this.#edit();
    this.#agents.get(agent)!.add(group);
  }

  /** Takes an agent that the manifest has out of a group. */
  leaveGroup(agent: string, group: string): void {
    this.#edit();
    this.#agents.get(agent)!.delete(group);
  }

  /** Has a group list a secret; a group that does not exist is made. @throws VaultError `ALREADY_EXISTS` where a new group's name differs from another's in case only */
  listSecret(group: string, path: SecretPath): void {
    this.#edit();
    const secrets = this.#groups.get(group) ?? this.#newGroup(group);
    this.#groups.set(group, secrets.add(path));
  }

  #newGroup(group: string): Set<SecretPath> {
    const twin = [...this.#groups.keys()].find((name) => name.toLowerCase() === group.toLowerCase());
    if (twin === undefined) return new Set();
    throw new VaultError("ALREADY_EXISTS", `The groups ${group} and ${twin} would differ only in upper and lower case.`, {
      remedy: "Use the existing spelling or another name.",
    });
  }

  /** Takes a secret out of one group. */
  unlistFrom(group: string, path: SecretPath): void {
    this.#edit();
    this.#groups.get(group)!.delete(path);
  }

  /** Deletes a secret: it is in no group, and nobody has an extra grant of it, whatever another side says that has not seen this. */
  removeSecret(path: SecretPath): void {
    this.unlistSecret(path);
    this.#deleted.add(path);
  }

  /** Takes a secret out of all groups, and its extra grants with it. */
  unlistSecret(path: SecretPath): void {
    this.#edit();
    for (const secrets of this.#groups.values()) secrets.delete(path);
    this.#extraAgents.delete(path);
  }

  /** Lets an agent read a secret beyond its groups. */
  addExtraAgent(path: SecretPath, agent: string): void {
    this.#edit();
    this.#extraAgents.set(path, (this.#extraAgents.get(path) ?? new Set()).add(agent));
  }

  /** Takes an extra grant back, if there is one. */
  removeExtraAgent(path: SecretPath, agent: string): void {
    this.#edit();
    const agents = this.#extraAgents.get(path);
    agents?.delete(agent);
    if (agents?.size === 0) this.#extraAgents.delete(path);
  }

  /**
   * Remembers what the edits since the file was read have taken away, and forgets the removals of what they brought back, so that a merge
   * with a state from before does the same. @param newId gives a random id
   */
  rememberRemovals(newId: () => string): void {
    if (!this.#before) return;
    const edit = { before: this.#before, after: this, deleted: this.#deleted, removedAgents: this.#removedAgents };
    const removals = removalsAfter(this.removals, edit, newId);
    if (removals.length !== this.removals.length || removals.some(({ id }, index) => id !== this.removals[index]!.id)) {
      this.removals = removals;
      this.#changed = true;
    }
  }

  /**
   * The file's bytes: those that were read where nothing has changed. New bytes are parsed again and compared before they are returned.
   * @throws VaultError `DAMAGED` where the new bytes would mean something else than this manifest
   */
  toBytes(): Uint8Array {
    if (!this.#changed) return this.#source;
    this.#document ??= readYamlFile(this.#source, MANIFEST_FILE).document;
    updateManifestDocument(this.#document, this);
    const bytes = writeYaml(this.#document);
    if (Manifest.parse(bytes).#meaning() !== this.#meaning()) {
      throw new VaultError("DAMAGED", "The change could not be written to manifest.yaml without altering something else in it.", {
        remedy: "Nothing was changed. Write manifest.yaml in the form that docs/format.md shows, and report this as a bug.",
      });
    }
    this.#source = bytes;
    this.#changed = false;
    return bytes;
  }

  #edit(): void {
    this.#before ??= entriesOf(this);
    this.#changed = true;
  }

  #meaning(): string {
    const sets = (map: ReadonlyMap<string, ReadonlySet<string>>) =>
      [...map].map(([name, values]) => [name, ...[...values].toSorted()].join("\n")).toSorted();
    return JSON.stringify([
      this.owners,
      sets(this.agents),
      sets(this.groups),
      sets(this.extraAgents),
      this.removals.map(({ subject, object, id }) => [id, subject, object].join("\n")).toSorted(),
      [...new Set(this.problems)].toSorted(),
    ]);
  }
}
