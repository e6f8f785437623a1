import { VaultError } from "../errors.js";
import { metadataFile } from "../format/layout.js";
import type { SecretEntry } from "./list.js";
import { parseMetadata, rotationDue, type Metadata } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { VaultState } from "../files/vault-state.js";

/** What a query asks for; all of it has to fit. */
export interface SecretQuery {
  readonly group?: string | undefined;
  /** Secrets that this agent reads, by its groups and beyond them. */
  readonly agent?: string | undefined;
  readonly environment?: string | undefined;
  readonly provider?: string | undefined;
  readonly tag?: string | undefined;
  readonly access?: string | undefined;
  /** Secrets with an expiry before this time. */
  readonly expiresBefore?: Date | undefined;
  /** Secrets whose rotation was due by this time. */
  readonly overdueAt?: Date | undefined;
  /** A part of the path, of a text of the metadata or of a tag, whatever its case. */
  readonly search?: string | undefined;
  /** By path unless given; what has no such attribute comes last. */
  readonly sort?: SortKey | undefined;
  readonly descending?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** The attributes that a list of secrets can be sorted by. */
export const SORT_KEYS = ["path", "created", "rotated", "expires", "due", "provider", "environment", "access"] as const;
/** One of `SORT_KEYS`. */
export type SortKey = (typeof SORT_KEYS)[number];

/** A secret that was found: its attributes and readers, and never its value. */
export interface FoundSecret extends SecretEntry {
  /** Why the metadata cannot be read. */
  readonly problem: string | undefined;
}

/** One page of the secrets that a query found, and how many it found in all. */
export interface SecretPage {
  /** How many fit, on all pages. */
  readonly total: number;
  readonly secrets: readonly FoundSecret[];
}

/** The texts that a search looks through. */
export function searchText(name: string, metadata: Metadata | undefined): string {
  const { description, provider, account, environment, tags } = metadata ?? {};
  return [name, description, provider, account, environment, ...new Set(tags)]
    .filter((text) => text != null)
    .join("\n")
    .toLowerCase();
}

/** What a sort goes by; `null` comes last. Times are in milliseconds since 1970. */
export function sortValue(key: Exclude<SortKey, "path">, metadata: Metadata | undefined): string | number | null {
  switch (key) {
    case "created":
    case "rotated":
    case "expires":
      return metadata?.[key] ? Date.parse(metadata[key]) : null;
    case "due":
      return (metadata && rotationDue(metadata)?.getTime()) ?? null;
    default:
      return metadata?.[key] ?? null;
  }
}

/**
 * The secrets that fit, read from the vault's files.
 * @param state verified, where it is signed
 * @throws VaultError `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`, `INVALID_YAML`
 */
export function querySecrets(state: VaultState, query: SecretQuery): SecretPage {
  const { manifest } = state;
  const listed = query.group === undefined ? undefined : manifest.groups.get(manifest.requireGroup(query.group))!;
  if (query.agent !== undefined) manifest.requireAgent(query.agent);
  const found = state
    .secretPaths()
    .filter((path) => listed?.has(path) ?? true)
    .map((path) => ({ path, entry: entryOf(state, path) }))
    .filter(({ entry }) => fits(entry, query));
  const { sort = "path", descending = false, limit, offset = 0 } = query;
  const sign = descending ? -1 : 1;
  const sorted = found.toSorted((a, b) => {
    const byPath = a.path < b.path ? -1 : 1;
    if (sort === "path") return sign * byPath;
    const [x, y] = [sortValue(sort, a.entry.metadata), sortValue(sort, b.entry.metadata)];
    if (x === y) return byPath;
    if (x === null || y === null) return x === null ? 1 : -1;
    return x < y ? -sign : sign;
  });
  const from = Math.max(0, Math.trunc(offset));
  const to = limit === undefined ? undefined : from + Math.max(0, Math.trunc(limit));
  return { total: sorted.length, secrets: sorted.slice(from, to).map(({ entry }) => entry) };
}

/** What is damaged becomes a problem of that secret, and keeps nobody from the others. */
function entryOf(state: VaultState, path: SecretPath): FoundSecret {
  const { metadata, problem } = readMetadata(state, path);
  return { secret: formatSecretPath(path), groups: state.manifest.groupsOf(path), agents: agentsOf(state, path), metadata, problem };
}

function agentsOf(state: VaultState, path: SecretPath): string[] {
  try {
    return state.agentsOf(path);
  } catch (error) {
    if (error instanceof VaultError) return [];
    throw error;
  }
}

/** A secret's metadata, or why it cannot be read. */
export function readMetadata(state: VaultState, path: SecretPath): { metadata: Metadata | undefined; problem: string | undefined } {
  try {
    const bytes = state.read(metadataFile(path));
    return { metadata: bytes && parseMetadata(bytes, path), problem: undefined };
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return { metadata: undefined, problem: error.message };
  }
}

function fits({ secret, agents, metadata }: FoundSecret, query: SecretQuery): boolean {
  const before = (key: "expires" | "due", time: Date) => {
    const value = sortValue(key, metadata);
    return typeof value === "number" && (key === "due" ? value <= time.getTime() : value < time.getTime());
  };
  return (
    (query.agent === undefined || agents.includes(query.agent)) &&
    (query.tag === undefined || (metadata?.tags?.includes(query.tag) ?? false)) &&
    (["environment", "provider", "access"] as const).every((key) => query[key] === undefined || metadata?.[key] === query[key]) &&
    (query.expiresBefore === undefined || before("expires", query.expiresBefore)) &&
    (query.overdueAt === undefined || before("due", query.overdueAt)) &&
    (query.search === undefined || searchText(secret, metadata).includes(query.search.toLowerCase()))
  );
}
