import type { VaultState } from "@agent-vault/vault";
import type { Connection } from "../database/connection.js";
import { signedSources } from "./signed-sources.js";

/** What the index holds, as far as it takes to see what changed. */
export interface IndexedState {
  /** Counts the changes of the index. */
  readonly generation: number;
  /** How many secrets are indexed. */
  readonly total: number;
  /** The digests that the owner had signed, by file or folder. */
  readonly sources: ReadonlyMap<string, string>;
  /** By path; those of unchanged folders are left out. */
  readonly secrets: ReadonlyMap<string, { readonly tree: string; readonly digest: string }>;
}

/** @param state which the index is to be brought to */
export function readIndexedState(connection: Connection, state: VaultState): IndexedState {
  const known = readSources(connection);
  const sources = signedSources(state);
  const trees = [...new Set([...known.keys(), ...sources.keys()])].filter((name) => name.startsWith("secrets/"));
  const select = "SELECT path, tree, digest FROM secret";
  const rows =
    known.size === 0 || sources.size === 0
      ? connection.all(select)
      : trees.filter((tree) => known.get(tree) !== sources.get(tree)).flatMap((tree) => connection.all(`${select} WHERE tree = ?`, tree));
  const secrets = rows.map((row) => [String(row["path"]), { tree: String(row["tree"]), digest: String(row["digest"]) }] as const);
  return { generation: generationOf(connection), total: countSecrets(connection), sources: known, secrets: new Map(secrets) };
}

/** The signed digests that the index was made from, by file or folder. */
export function readSources(connection: Connection): Map<string, string> {
  return new Map(connection.all("SELECT name, digest FROM source").map((row) => [String(row["name"]), String(row["digest"])]));
}

/** How often the index was changed. */
export function generationOf(connection: Connection): number {
  return Number(indexSetting(connection, "generation") ?? 0);
}

/** Counts a change of the index. */
export function incrementGeneration(connection: Connection): void {
  setIndexSetting(connection, "generation", String(generationOf(connection) + 1));
}

/** A value that the index keeps beside its tables. */
export function indexSetting(connection: Connection, name: string): string | undefined {
  return connection.get("SELECT value FROM setting WHERE name = ?", name)?.["value"] as string | undefined;
}

/** Sets what {@link indexSetting} reads. */
export function setIndexSetting(connection: Connection, name: string, value: string): void {
  connection.run("INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
}

/** How many secrets are indexed. */
export function countSecrets(connection: Connection): number {
  return Number(connection.get("SELECT count(*) AS n FROM secret")!["n"]);
}
