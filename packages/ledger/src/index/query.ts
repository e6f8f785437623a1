import type * as Vault from "@agent-vault/vault";
import type { FoundSecret, Metadata, SecretPage, SecretQuery } from "@agent-vault/vault";
import type { Connection, Row, Value } from "../database/connection.js";
import { groupByName } from "./group-by-name.js";

/** An agent as the manifest lists it. */
export interface IndexedAgent {
  readonly agent: string;
  readonly recipient: string | undefined;
  readonly groups: readonly string[];
  /** Secrets that it reads beyond its groups. */
  readonly extra: readonly string[];
}

/** Up to so many secrets their groups are looked up one by one. */
const MAX_SINGLE_LOOKUPS = 500;

/** The secrets that fit a query. @throws VaultError `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND` */
export function findSecrets(
  connection: Connection,
  query: SecretQuery,
  vault: Pick<typeof Vault, "agentNotFound" | "groupNotFound">,
): SecretPage {
  requireNames(connection, query, vault);
  const { where, values } = whereOf(query);
  const limit = query.limit === undefined ? -1 : Math.max(0, Math.trunc(query.limit));
  const offset = Math.max(0, Math.trunc(query.offset ?? 0));
  const rows = connection.all(
    `SELECT path, name, metadata, problem FROM secret ${where} ORDER BY ${orderOf(query)} LIMIT ? OFFSET ?`,
    ...values,
    limit,
    offset,
  );
  const isAll = limit === -1 && offset === 0;
  const total = isAll ? rows.length : Number(connection.get(`SELECT count(*) AS n FROM secret ${where}`, ...values)!["n"]);
  return { total, secrets: withAccess(connection, rows) };
}

/** The agents, in the manifest's order. */
export function findAgents(connection: Connection): IndexedAgent[] {
  const groups = valuesByName(connection.all("SELECT agent, group_name AS value FROM agent_group ORDER BY place"), "agent");
  const extra = valuesByName(
    connection.all("SELECT e.agent, s.name AS value FROM extra_agent e JOIN secret s ON s.path = e.secret ORDER BY e.secret"),
    "agent",
  );
  return connection.all("SELECT name, recipient FROM agent ORDER BY place").map((row) => {
    const agent = String(row["name"]);
    const recipient = (row["recipient"] as string | null) ?? undefined;
    return { agent, recipient, groups: groups.get(agent) ?? [], extra: extra.get(agent) ?? [] };
  });
}

/** The owners, in the manifest's order. */
export function findOwners(connection: Connection): { owner: string; recipient: string }[] {
  return connection
    .all("SELECT name, recipient FROM owner ORDER BY place")
    .map((row) => ({ owner: String(row["name"]), recipient: String(row["recipient"]) }));
}

/** Names that the index does not know are the vault's business: the same errors as where its files are read. */
function requireNames(
  connection: Connection,
  { group, agent }: SecretQuery,
  vault: Pick<typeof Vault, "agentNotFound" | "groupNotFound">,
): void {
  const names = (table: string) => connection.all(`SELECT name FROM ${table} ORDER BY place`).map((row) => String(row["name"]));
  if (group !== undefined && !connection.get("SELECT 1 FROM vault_group WHERE name = ?", group))
    throw vault.groupNotFound(group, names("vault_group"), names("agent").includes(group));
  if (agent !== undefined && !connection.get("SELECT 1 FROM agent WHERE name = ?", agent))
    throw vault.agentNotFound(agent, names("agent"), names("vault_group").includes(agent));
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
function withAccess(connection: Connection, rows: readonly Row[]): FoundSecret[] {
  const agents = connection.all("SELECT name FROM agent ORDER BY place").map((row) => String(row["name"]));
  const places = new Map(agents.map((agent, place) => [agent, place]));
  const readers = valuesByName(connection.all("SELECT group_name, agent AS value FROM agent_group"), "group_name");
  const groupsSql = "SELECT m.secret, m.group_name AS value FROM group_secret m JOIN vault_group g ON g.name = m.group_name";
  const extraSql = "SELECT secret, agent AS value FROM extra_agent";
  const isFew = rows.length <= MAX_SINGLE_LOOKUPS;
  const allGroups = isFew ? undefined : valuesByName(connection.all(`${groupsSql} ORDER BY g.place`), "secret");
  const allExtra = isFew ? undefined : valuesByName(connection.all(extraSql), "secret");
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

function valuesByName(rows: readonly Row[], key: string): Map<string, string[]> {
  return groupByName(rows.map((row) => [String(row[key]), String(row["value"])]));
}
