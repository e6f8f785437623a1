import {
  digestOf,
  formatSecretPath,
  metadataFile,
  VaultError,
  classify,
  type Context,
  parseSecretPath,
  type Digest,
  type SecretPath,
} from "@agent-vault/vault/read-only";
import type * as Vault from "@agent-vault/vault";
import type { FoundSecret, Metadata, SecretPage, SecretQuery, VaultState } from "@agent-vault/vault";

import type { Connection, Row, Value } from "../database/connection.js";
import type { LedgerDatabase } from "../database/database.js";

export interface IndexedAgent {
  readonly agent: string;
  readonly recipient: string | undefined;
  readonly groups: readonly string[];
  /** Secrets that it reads beyond its groups. */
  readonly extra: readonly string[];
}

export interface Refreshed {
  /** How many secrets were read anew, and how many rows of former names went. */
  readonly updated: number;
  readonly removed: number;
  readonly total: number;
}

const TABLES = ["secret", "secret_tag", "vault_group", "group_secret", "agent", "agent_group", "extra_agent", "owner", "source"];
/** How many secrets are worked on before the event loop gets a turn. */
const BATCH = 1000;
/** Up to so many secrets their groups are looked up one by one. */
const FEW = 500;

/**
 * An index of what a vault's files say of its secrets, so that a list of a hundred thousand takes no reading of files. It only ever
 * repeats them: it is filled from a state that was verified, and what may be read by whom is never asked of it.
 */
export class MetadataIndex {
  readonly #context: Context;
  readonly #database: LedgerDatabase;

  constructor(context: Context, database: LedgerDatabase) {
    this.#context = context;
    this.#database = database;
  }

  /** How many secrets are indexed. */
  size(): Promise<number> {
    return this.#database.read(countSecrets);
  }

  /** Whether the index is of this very state, going by the digests that the owner signed. A state that nobody signed is never taken as known. */
  isFresh(state: VaultState): Promise<boolean> {
    return this.#database.read((connection) => isSame(sourcesOf(state), readSources(connection)));
  }

  /**
   * Brings the index to a state of the vault. Only what changed is read: folders whose signed digest is the same are passed over, and
   * of the others the metadata with another digest.
   * @param state verified, where it is signed
   * @throws VaultError the codes of {@link LedgerDatabase.read}; what reading the vault throws
   */
  refresh(state: VaultState): Promise<Refreshed> {
    return this.#bringTo(state, false);
  }

  /** Fills the index anew from the vault, whatever it holds. @throws VaultError as {@link refresh} */
  rebuild(state: VaultState): Promise<Refreshed> {
    return this.#bringTo(state, true);
  }

  /** The secrets that fit, with all but their values. @throws VaultError `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`, and as {@link refresh} */
  async query(query: SecretQuery = {}): Promise<SecretPage> {
    const reader = await import("@agent-vault/vault");
    const { where, values } = whereOf(query);
    const limit = query.limit === undefined ? -1 : Math.max(0, Math.trunc(query.limit));
    const offset = Math.max(0, Math.trunc(query.offset ?? 0));
    return this.#database.read((connection) => {
      requireNames(connection, query, reader);
      const rows = connection.all(
        `SELECT path, name, metadata, problem FROM secret ${where} ORDER BY ${orderOf(query)} LIMIT ? OFFSET ?`,
        ...values,
        limit,
        offset,
      );
      const isAll = limit === -1 && offset === 0;
      const total = isAll ? rows.length : Number(connection.get(`SELECT count(*) AS n FROM secret ${where}`, ...values)!["n"]);
      return { total, secrets: withReaders(connection, rows) };
    });
  }

  /** The agents, in the manifest's order. */
  agents(): Promise<IndexedAgent[]> {
    return this.#database.read((connection) => {
      const groups = listsOf(connection.all("SELECT agent, group_name AS value FROM agent_group ORDER BY place"), "agent");
      const extra = listsOf(
        connection.all("SELECT e.agent, s.name AS value FROM extra_agent e JOIN secret s ON s.path = e.secret ORDER BY e.secret"),
        "agent",
      );
      return connection.all("SELECT name, recipient FROM agent ORDER BY place").map((row) => {
        const agent = String(row["name"]);
        const recipient = (row["recipient"] as string | null) ?? undefined;
        return { agent, recipient, groups: groups.get(agent) ?? [], extra: extra.get(agent) ?? [] };
      });
    });
  }

  /** The owners, in the manifest's order. */
  owners(): Promise<{ owner: string; recipient: string }[]> {
    return this.#database.read((connection) =>
      connection
        .all("SELECT name, recipient FROM owner ORDER BY place")
        .map((row) => ({ owner: String(row["name"]), recipient: String(row["recipient"]) })),
    );
  }

  async #bringTo(state: VaultState, anew: boolean): Promise<Refreshed> {
    for (;;) {
      const known = await this.#database.read((connection) => readKnown(connection, state));
      const plan = await this.#plan(state, anew ? { ...known, sources: new Map(), secrets: new Map() } : known);
      if (plan === undefined) return { updated: 0, removed: 0, total: known.total };
      const result = await this.#database.write((connection) => {
        // Another process has refreshed meanwhile, so what was worked out is not the difference any more.
        if (generationOf(connection) !== known.generation) return undefined;
        if (anew) for (const table of TABLES) connection.exec(`DELETE FROM ${table}`);
        return this.#apply(connection, plan);
      });
      if (result) return result;
    }
  }

  /** Works out the difference between the vault and the index, without holding the database. `undefined` where there is none. */
  async #plan(state: VaultState, known: Known): Promise<Plan | undefined> {
    const sources = sourcesOf(state);
    if (isSame(sources, known.sources)) return undefined;
    const reader = await import("@agent-vault/vault");
    const trees = secretsByTree(state, known.sources);
    const plan: Plan = { state, sources, secrets: [], removed: [] };
    let done = 0;
    const total = [...trees.values()].reduce((sum, paths) => sum + (paths?.length ?? 0), 0);
    const present = new Set<string>();
    for (const [tree, paths] of trees) {
      for (const path of paths ?? []) {
        present.add(path);
        const digest = digestIn(state, tree, metadataFile(path));
        if (known.secrets.get(path)?.digest !== digest) plan.secrets.push(readSecret(reader, state, path, tree, digest));
        if (++done % BATCH === 0) await this.#turn(done, total);
      }
    }
    for (const path of known.secrets.keys()) if (!present.has(path)) plan.removed.push(path as SecretPath);
    return plan;
  }

  async #apply(connection: Connection, plan: Plan): Promise<Refreshed> {
    for (const path of plan.removed) {
      connection.run("DELETE FROM secret WHERE path = ?", path);
      connection.run("DELETE FROM secret_tag WHERE secret = ?", path);
    }
    let done = 0;
    for (const secret of plan.secrets) {
      writeSecret(connection, secret);
      if (++done % BATCH === 0) await this.#turn(done, plan.secrets.length);
    }
    writeAccess(connection, plan);
    sync(connection, "source", ["name", "digest"], [...plan.sources]);
    countUp(connection);
    return { updated: plan.secrets.length, removed: plan.removed.length, total: countSecrets(connection) };
  }

  async #turn(done: number, total: number): Promise<void> {
    this.#context.progress?.({ step: "Indexing", done, total });
    await new Promise((resume) => setImmediate(resume));
  }
}

/** What the index holds, as far as it takes to see what changed. */
interface Known {
  readonly generation: number;
  readonly total: number;
  readonly sources: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, { readonly tree: string; readonly digest: string }>;
}

interface PlannedSecret {
  readonly path: SecretPath;
  readonly tree: string;
  readonly digest: Digest | "";
  readonly metadata: Metadata | undefined;
  /** Milliseconds since 1970. */
  readonly due: number | undefined;
  readonly problem: string | undefined;
  readonly search: string;
}

interface Plan {
  readonly state: VaultState;
  readonly secrets: PlannedSecret[];
  readonly removed: SecretPath[];
  readonly sources: ReadonlyMap<string, string>;
}

type Reader = Pick<typeof Vault, "readMetadata" | "rotationDue" | "searchText">;

/** What the owner signed of the files that the index repeats, by file or folder; nothing of a vault that nobody signed. */
function sourcesOf(state: VaultState): Map<string, string> {
  const lock = state.signed?.lock;
  return new Map(lock ? [...lock.files, ...lock.trees] : []);
}

/** Whether nothing changed; where nothing is signed that cannot be told. */
function isSame(sources: ReadonlyMap<string, string>, known: ReadonlyMap<string, string>): boolean {
  return sources.size > 0 && sources.size === known.size && [...sources].every(([name, digest]) => known.get(name) === digest);
}

/** The secrets of each folder below `secrets/`, `undefined` for a folder that is as it was. */
function secretsByTree(state: VaultState, known: ReadonlyMap<string, string>): Map<string, SecretPath[] | undefined> {
  const { signed } = state;
  if (!signed) return grouped(state.secretPaths().map((path) => [treeOf(path), path]));
  const trees = new Map<string, SecretPath[] | undefined>();
  for (const [tree, digest] of signed.lock.trees) {
    if (!tree.startsWith("secrets/")) continue;
    const isUnchanged = known.get(tree) === digest;
    trees.set(tree, isUnchanged ? undefined : [...signed.digestsOf(tree).keys()].flatMap(secretIn));
  }
  return trees;
}

const treeOf = (path: SecretPath): string => `secrets/${path.slice(0, path.indexOf("/"))}`;

function secretIn(file: string): SecretPath[] {
  const found = classify(file);
  return found.kind === "secret" ? [found.path] : [];
}

/** The digest of a file, where it was signed without reading it once more; empty where there is none. */
function digestIn(state: VaultState, tree: string, file: string): Digest | "" {
  if (state.signed) return state.signed.digestsOf(tree).get(file) ?? "";
  const bytes = state.read(file);
  return bytes ? digestOf(bytes) : "";
}

function readSecret(reader: Reader, state: VaultState, path: SecretPath, tree: string, digest: Digest | ""): PlannedSecret {
  const { metadata, problem } = reader.readMetadata(state, path);
  return {
    path,
    tree,
    digest,
    metadata,
    due: metadata && reader.rotationDue(metadata)?.getTime(),
    problem,
    search: reader.searchText(formatSecretPath(path), metadata),
  };
}

function readSources(connection: Connection): Map<string, string> {
  return new Map(connection.all("SELECT name, digest FROM source").map((row) => [String(row["name"]), String(row["digest"])]));
}

/** Secrets are left out where the folder that they lie in is as it was. */
function readKnown(connection: Connection, state: VaultState): Known {
  const known = readSources(connection);
  const sources = sourcesOf(state);
  const trees = [...new Set([...known.keys(), ...sources.keys()])].filter((name) => name.startsWith("secrets/"));
  const select = "SELECT path, tree, digest FROM secret";
  const rows =
    known.size === 0 || sources.size === 0
      ? connection.all(select)
      : trees.filter((tree) => known.get(tree) !== sources.get(tree)).flatMap((tree) => connection.all(`${select} WHERE tree = ?`, tree));
  const secrets = rows.map((row) => [String(row["path"]), { tree: String(row["tree"]), digest: String(row["digest"]) }] as const);
  return { generation: generationOf(connection), total: countSecrets(connection), sources: known, secrets: new Map(secrets) };
}

/** Counts the changes of the index. */
function generationOf(connection: Connection): number {
  return Number(settingOf(connection, "generation") ?? 0);
}

function countUp(connection: Connection): void {
  setSetting(connection, "generation", String(generationOf(connection) + 1));
}

function settingOf(connection: Connection, name: string): string | undefined {
  return connection.get("SELECT value FROM setting WHERE name = ?", name)?.["value"] as string | undefined;
}

function setSetting(connection: Connection, name: string, value: string): void {
  connection.run("INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
}

function countSecrets(connection: Connection): number {
  return Number(connection.get("SELECT count(*) AS n FROM secret")!["n"]);
}

function writeSecret(connection: Connection, { path, tree, digest, metadata, due, problem, search }: PlannedSecret): void {
  const name = formatSecretPath(path);
  const tags = [...new Set(metadata?.tags)];
  const time = (text: string | null | undefined) => (text ? Date.parse(text) : null);
  connection.run("DELETE FROM secret WHERE path = ?", path);
  connection.run("DELETE FROM secret_tag WHERE secret = ?", path);
  connection.insert("secret", {
    path,
    name,
    tree,
    digest,
    search,
    metadata: metadata ? JSON.stringify(metadata) : "",
    problem,
    authorized: JSON.stringify(metadata?.authorized_agents ?? []),
    provider: metadata?.provider,
    account: metadata?.account,
    environment: metadata?.environment,
    access: metadata?.access,
    created: time(metadata?.created),
    rotated: time(metadata?.rotated),
    expires: time(metadata?.expires),
    due,
  });
  for (const tag of tags) connection.insert("secret_tag", { tag, secret: path });
}

/** Brings owners, agents, groups and grants to what the manifest says. */
function writeAccess(connection: Connection, { state, sources }: Plan): void {
  const known = readSources(connection);
  const others = [...new Set([...known.keys(), ...sources.keys()])].filter((name) => !name.startsWith("secrets/"));
  const isKnown = known.size > 0 && sources.size > 0 && others.every((name) => known.get(name) === sources.get(name));
  // To read a large manifest takes longer than all the rest.
  if (isKnown && settingOf(connection, "grants_in_metadata") === "no") return;
  const { manifest } = state;
  const recipient = (agent: string) => {
    try {
      return state.agentRecipient(agent).text;
    } catch (error) {
      if (error instanceof VaultError) return null;
      throw error;
    }
  };
  const agents = [...manifest.agents.keys()];
  sync(
    connection,
    "owner",
    ["name", "place", "recipient"],
    state.owners.map(({ name, recipient }, place) => [name, place, recipient.text]),
  );
  sync(
    connection,
    "agent",
    ["name", "place", "recipient"],
    agents.map((name, place) => [name, place, recipient(name)]),
  );
  setSetting(connection, "grants_in_metadata", manifest.namesExtraAgents ? "no" : "yes");
  sync(
    connection,
    "vault_group",
    ["name", "place"],
    [...manifest.groups.keys()].map((name, place) => [name, place]),
  );
  const members = [...manifest.groups].flatMap(([group, paths]) => [...paths].map((path) => [group, path]));
  sync(connection, "group_secret", ["group_name", "secret"], members);
  const memberships = [...manifest.agents].flatMap(([agent, groups]) => [...groups].map((group, place) => [agent, group, place]));
  sync(connection, "agent_group", ["agent", "group_name", "place"], memberships);
  sync(connection, "extra_agent", ["agent", "secret"], extraAgents(connection, state));
}

/** Grants beyond the groups. In a vault of agent-vault 0.1 only the metadata names them, which the index has read already. */
function extraAgents(connection: Connection, { manifest }: VaultState): [string, string][] {
  const named: (readonly [SecretPath, Iterable<string>])[] = manifest.namesExtraAgents
    ? [...manifest.extraAgents]
    : connection
        .all("SELECT name, authorized FROM secret WHERE authorized <> '[]'")
        .map((row) => [parseSecretPath(String(row["name"])), JSON.parse(String(row["authorized"])) as string[]]);
  return named.flatMap(([path, agents]) => {
    const groups = manifest.groupsOf(path);
    const isExtra = (agent: string) => manifest.agents.has(agent) && !groups.some((group) => manifest.agents.get(agent)!.has(group));
    return [...new Set(agents)].filter(isExtra).map((agent): [string, string] => [agent, path]);
  });
}

/** Makes a table hold exactly these rows, and touches only those that differ. */
function sync(connection: Connection, table: string, columns: readonly string[], rows: readonly (readonly Value[])[]): void {
  const wanted = new Map(rows.map((row) => [JSON.stringify(row), row]));
  for (const row of connection.all(`SELECT ${columns.join(", ")} FROM ${table}`)) {
    const values = columns.map((column) => row[column]!);
    if (wanted.delete(JSON.stringify(values))) continue;
    connection.run(`DELETE FROM ${table} WHERE ${columns.map((column) => `${column} IS ?`).join(" AND ")}`, ...values);
  }
  for (const row of wanted.values()) connection.insert(table, Object.fromEntries(columns.map((column, index) => [column, row[index]])));
}

/** Names that the index does not know are the vault's business: the same errors as where its files are read. */
function requireNames(
  connection: Connection,
  { group, agent }: SecretQuery,
  reader: Pick<typeof Vault, "agentNotFound" | "groupNotFound">,
): void {
  const names = (table: string) => connection.all(`SELECT name FROM ${table} ORDER BY place`).map((row) => String(row["name"]));
  if (group !== undefined && !connection.get("SELECT 1 FROM vault_group WHERE name = ?", group))
    throw reader.groupNotFound(group, names("vault_group"));
  if (agent !== undefined && !connection.get("SELECT 1 FROM agent WHERE name = ?", agent))
    throw reader.agentNotFound(agent, names("agent"));
}

function whereOf(query: SecretQuery): { where: string; values: Value[] } {
  const conditions: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...given: Value[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  if (query.group !== undefined) add("path IN (SELECT secret FROM group_secret WHERE group_name = ?)", query.group);
  if (query.agent !== undefined) {
    const groups = "SELECT g.secret FROM agent_group a JOIN group_secret g ON g.group_name = a.group_name WHERE a.agent = ?";
    add(`(path IN (${groups}) OR path IN (SELECT secret FROM extra_agent WHERE agent = ?))`, query.agent, query.agent);
  }
  if (query.tag !== undefined) add("path IN (SELECT secret FROM secret_tag WHERE tag = ?)", query.tag);
  for (const column of ["environment", "provider", "access"] as const) {
    const value = query[column];
    if (value !== undefined) add(`${column} = ?`, value);
  }
  if (query.expiresBefore) add("expires < ?", query.expiresBefore.getTime());
  if (query.overdueAt) add("due <= ?", query.overdueAt.getTime());
  if (query.search !== undefined) add("instr(search, ?) > 0", query.search.toLowerCase());
  return { where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`, values };
}

function orderOf({ sort = "path", descending }: SecretQuery): string {
  const direction = descending ? "DESC" : "ASC";
  return sort === "path" ? `path ${direction}` : `${sort} IS NULL, ${sort} ${direction}, path`;
}

/** Rows of secrets with the groups that list them and the agents that read them, in the manifest's order. */
function withReaders(connection: Connection, rows: readonly Row[]): FoundSecret[] {
  const agents = connection.all("SELECT name FROM agent ORDER BY place").map((row) => String(row["name"]));
  const places = new Map(agents.map((agent, place) => [agent, place]));
  const readers = listsOf(connection.all("SELECT group_name, agent AS value FROM agent_group"), "group_name");
  const groupsSql = "SELECT m.secret, m.group_name AS value FROM group_secret m JOIN vault_group g ON g.name = m.group_name";
  const extraSql = "SELECT secret, agent AS value FROM extra_agent";
  const few = rows.length <= FEW;
  const allGroups = few ? undefined : listsOf(connection.all(`${groupsSql} ORDER BY g.place`), "secret");
  const allExtra = few ? undefined : listsOf(connection.all(extraSql), "secret");
  const valuesOf = (sql: string, path: string) => connection.all(sql, path).map((row) => String(row["value"]));
  return rows.map((row) => {
    const path = String(row["path"]);
    const groups = allGroups ? (allGroups.get(path) ?? []) : valuesOf(`${groupsSql} WHERE m.secret = ? ORDER BY g.place`, path);
    const extra = allExtra ? (allExtra.get(path) ?? []) : valuesOf(`${extraSql} WHERE secret = ?`, path);
    const byPlace = (names: Iterable<string>) => [...names].toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    const byGroup = new Set(groups.flatMap((group) => readers.get(group) ?? []));
    const metadata = row["metadata"] === "" ? undefined : (JSON.parse(String(row["metadata"])) as Metadata);
    const problem = (row["problem"] as string | null) ?? undefined;
    return { secret: String(row["name"]), groups, agents: [...byPlace(byGroup), ...extra], metadata, problem };
  });
}

function listsOf(rows: readonly Row[], key: string): Map<string, string[]> {
  return grouped(rows.map((row) => [String(row[key]), String(row["value"])]));
}

function grouped<T>(pairs: Iterable<readonly [string, T]>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const [name, value] of pairs) {
    let group = groups.get(name);
    if (!group) groups.set(name, (group = []));
    group.push(value);
  }
  return groups;
}
