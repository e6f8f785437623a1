import { classify, digestOf, formatSecretPath, metadataFile, type Digest, type SecretPath } from "@agent-vault/vault/read-only";
import type * as Vault from "@agent-vault/vault";
import type { Metadata, VaultState } from "@agent-vault/vault";
import { groupByName } from "./group-by-name.js";
import type { IndexedState } from "./indexed-state.js";
import { isSameState, signedSources } from "./signed-sources.js";

/** A secret as the index will hold it. */
export interface PlannedSecret {
  readonly path: SecretPath;
  readonly tree: string;
  readonly digest: Digest | "";
  readonly metadata: Metadata | undefined;
  /** Milliseconds since 1970. */
  readonly due: number | undefined;
  readonly problem: string | undefined;
  readonly search: string;
}

/** The difference between the index and a state of the vault. */
export interface IndexPlan {
  readonly state: VaultState;
  readonly secrets: PlannedSecret[];
  readonly removed: SecretPath[];
  readonly sources: ReadonlyMap<string, string>;
}

/** How many secrets are read before the event loop gets a turn. */
export const BATCH_SIZE = 1000;

/**
 * Works out the difference between the vault and the index, without holding the database.
 * @param yieldToEventLoop is called after each {@link BATCH_SIZE} secrets
 * @returns `undefined` where there is none
 */
export async function planSecrets(
  state: VaultState,
  indexed: Pick<IndexedState, "sources" | "secrets">,
  yieldToEventLoop: (done: number, total: number) => Promise<void>,
): Promise<IndexPlan | undefined> {
  const sources = signedSources(state);
  if (isSameState(sources, indexed.sources)) return undefined;
  const vault = await import("@agent-vault/vault");
  const folders = secretsByFolder(state, indexed.sources);
  const plan: IndexPlan = { state, sources, secrets: [], removed: [] };
  let done = 0;
  const total = [...folders.values()].reduce((sum, paths) => sum + (paths?.length ?? 0), 0);
  const present = new Set<string>();
  for (const [folder, paths] of folders) {
    for (const path of paths ?? []) {
      present.add(path);
      const digest = digestIn(state, folder, metadataFile(path));
      if (indexed.secrets.get(path)?.digest !== digest) plan.secrets.push(planSecret(vault, state, path, folder, digest));
      if (++done % BATCH_SIZE === 0) await yieldToEventLoop(done, total);
    }
  }
  for (const path of indexed.secrets.keys()) if (!present.has(path)) plan.removed.push(path as SecretPath);
  return plan;
}

/** The secrets of each folder below `secrets/`, `undefined` for a folder that is as it was. */
function secretsByFolder(state: VaultState, known: ReadonlyMap<string, string>): Map<string, SecretPath[] | undefined> {
  const { signed } = state;
  if (!signed) return groupByName(state.secretPaths().map((path) => [secretFolder(path), path]));
  const trees = new Map<string, SecretPath[] | undefined>();
  for (const [tree, digest] of signed.lock.trees) {
    if (!tree.startsWith("secrets/")) continue;
    const isUnchanged = known.get(tree) === digest;
    trees.set(tree, isUnchanged ? undefined : [...signed.digestsOf(tree).keys()].flatMap(secretIn));
  }
  return trees;
}

const secretFolder = (path: SecretPath): string => `secrets/${path.slice(0, path.indexOf("/"))}`;

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

function planSecret(
  vault: Pick<typeof Vault, "readMetadata" | "rotationDue" | "searchText">,
  state: VaultState,
  path: SecretPath,
  tree: string,
  digest: Digest | "",
): PlannedSecret {
  const { metadata, problem } = vault.readMetadata(state, path);
  return {
    path,
    tree,
    digest,
    metadata,
    due: metadata && vault.rotationDue(metadata)?.getTime(),
    problem,
    search: vault.searchText(formatSecretPath(path), metadata),
  };
}
