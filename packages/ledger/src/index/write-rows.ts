import { formatSecretPath, parseSecretPath, VaultError, type SecretPath } from "@agent-vault/vault/read-only";
import type { VaultState } from "@agent-vault/vault";
import type { Connection, Value } from "../database/connection.js";
import { countSecrets, incrementGeneration, indexSetting, readSources, setIndexSetting } from "./indexed-state.js";
import { BATCH_SIZE, type IndexPlan, type PlannedSecret } from "./plan-secrets.js";

/** How many rows a refresh of the index wrote. */
export interface Refreshed {
  /** Secrets that were read again. */
  readonly updated: number;
  /** Rows of former names that were deleted. */
  readonly removed: number;
  /** Secrets that the index holds now. */
  readonly total: number;
}

/**
 * Brings the tables of the index to a plan, in a transaction of the caller's.
 * @param yieldToEventLoop is called after each {@link BATCH_SIZE} secrets
 */
export async function writeRows(
  connection: Connection,
  plan: IndexPlan,
  yieldToEventLoop: (done: number, total: number) => Promise<void>,
): Promise<Refreshed> {
  for (const path of plan.removed) deleteSecret(connection, path);
  let done = 0;
  for (const secret of plan.secrets) {
    writeSecret(connection, secret);
    if (++done % BATCH_SIZE === 0) await yieldToEventLoop(done, plan.secrets.length);
  }
  writeAccess(connection, plan);
  replaceRows(connection, "source", ["name", "digest"], [...plan.sources]);
  incrementGeneration(connection);
  return { updated: plan.secrets.length, removed: plan.removed.length, total: countSecrets(connection) };
}

function deleteSecret(connection: Connection, path: SecretPath): void {
  connection.run("DELETE FROM secret WHERE path = ?", path);
  connection.run("DELETE FROM secret_tag WHERE secret = ?", path);
}

function writeSecret(connection: Connection, { path, tree, digest, metadata, due, problem, search }: PlannedSecret): void {
  const name = formatSecretPath(path);
  const tags = [...new Set(metadata?.tags)];
  const time = (text: string | null | undefined) => (text ? Date.parse(text) : null);
  deleteSecret(connection, path);
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
function writeAccess(connection: Connection, { state, sources }: IndexPlan): void {
  // Reading a large manifest takes longer than all the rest.
  if (isAccessUnchanged(connection, sources)) return;
  const { manifest } = state;
  const owners = state.owners.map(({ name, recipient }, place) => [name, place, recipient.text]);
  const agents = [...manifest.agents.keys()].map((name, place) => [name, place, recipientOf(state, name)]);
  const groups = [...manifest.groups.keys()].map((name, place) => [name, place]);
  const members = [...manifest.groups].flatMap(([group, paths]) => [...paths].map((path) => [group, path]));
  const memberships = [...manifest.agents].flatMap(([agent, groups]) => [...groups].map((group, place) => [agent, group, place]));
  replaceRows(connection, "owner", ["name", "place", "recipient"], owners);
  replaceRows(connection, "agent", ["name", "place", "recipient"], agents);
  replaceRows(connection, "vault_group", ["name", "place"], groups);
  replaceRows(connection, "group_secret", ["group_name", "secret"], members);
  replaceRows(connection, "agent_group", ["agent", "group_name", "place"], memberships);
  replaceRows(connection, "extra_agent", ["agent", "secret"], extraAgents(connection, state));
  setIndexSetting(connection, "grants_in_metadata", manifest.namesExtraAgents ? "no" : "yes");
}

/** Whether no signed file but those of secrets changed, and these grant nothing. */
function isAccessUnchanged(connection: Connection, sources: ReadonlyMap<string, string>): boolean {
  const known = readSources(connection);
  if (known.size === 0 || sources.size === 0) return false;
  const files = [...new Set([...known.keys(), ...sources.keys()])].filter((name) => !name.startsWith("secrets/"));
  return files.every((name) => known.get(name) === sources.get(name)) && indexSetting(connection, "grants_in_metadata") === "no";
}

/** An agent whose key is missing or damaged is listed without one. */
function recipientOf(state: VaultState, agent: string): string | null {
  try {
    return state.agentRecipient(agent).text;
  } catch (error) {
    if (error instanceof VaultError) return null;
    throw error;
  }
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
function replaceRows(connection: Connection, table: string, columns: readonly string[], rows: readonly (readonly Value[])[]): void {
  const wanted = new Map(rows.map((row) => [JSON.stringify(row), row]));
  for (const row of connection.all(`SELECT ${columns.join(", ")} FROM ${table}`)) {
    const values = columns.map((column) => row[column]!);
    if (wanted.delete(JSON.stringify(values))) continue;
    connection.run(`DELETE FROM ${table} WHERE ${columns.map((column) => `${column} IS ?`).join(" AND ")}`, ...values);
  }
  for (const row of wanted.values()) connection.insert(table, Object.fromEntries(columns.map((column, index) => [column, row[index]])));
}
