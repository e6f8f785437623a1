import type { VaultFiles } from "../files/vault-files.js";
import type { FileEntry, FileSource } from "../format/file-source.js";
import { classify, CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE } from "../format/layout.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { formatLock } from "../lock/lock.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import { SignedFiles } from "../lock/signed-files.js";
import { digestsInList } from "../lock/tree-list-cache.js";

/** More is not kept: a use in a vault of some 50,000 secrets is refused where it would be judged by it. */
const MAX_RULES_BYTES = 32 * 1024 * 1024;
const VERSION = 1;
const NEWLINE = 0x0a;
const AGENTS_FOLDER = "agents";
/** The files at a vault's top that decide over uses. */
const TOP_FILES = [CONFIG_FILE, MANIFEST_FILE, POLICY_FILE] as const;

/** One line of the file: files by their paths in the vault, in base64, and the lists of folders, lines of `SHA256␠␠PATH`. */
interface Part {
  readonly trees: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** What judges uses of a state, as it was read back and verified. */
export interface Rules {
  readonly signed: SignedLock;
  /** Files by their paths: of all that the lock lists, those that decide over uses, and not their secrets' values. */
  readonly source: FileSource;
  readonly vouched: SignedFiles;
}

/**
 * The file in which the memory keeps what judges uses of a state: two lines of JSON. The first has the lock, its signature, the vault's YAML files and
 * its agents' public keys; the second the secrets' metadata. Both have the lists of the folders, so that each file can be held to the lock.
 * @param files the state's, vouched for
 * @returns `undefined` where it would be too large
 * @throws VaultError `TAMPERED`, `LINK_IN_VAULT` where a file is not what was signed
 */
export function formatRules(files: VaultFiles, { lock, signature }: SignedLock): Uint8Array | undefined {
  const general = partOf(
    files,
    [...lock.trees.keys()].filter((tree) => tree === AGENTS_FOLDER),
  );
  const top = TOP_FILES.flatMap((file) => (lock.files.has(file) ? [[file, base64(files.read(file)!)] as const] : []));
  const signed = { [LOCK_FILE]: base64(formatLock(lock)), [LOCK_SIGNATURE_FILE]: base64(signature) };
  const first = { version: VERSION, ...general, files: { ...signed, ...Object.fromEntries(top), ...general.files } };
  const second = partOf(files, [...lock.trees.keys()].filter(isOfSecrets));
  const bytes = Buffer.from(`${JSON.stringify(first)}\n${JSON.stringify(second)}\n`, "latin1");
  return bytes.length > MAX_RULES_BYTES ? undefined : bytes;
}

function partOf(files: VaultFiles, trees: readonly string[]): Part {
  const lists = trees.map((tree) => [tree, files.signed!.listOf(tree)] as const);
  const kept = lists.flatMap(([tree, list]) => [...digestsInList(list, tree)!.keys()].filter(isRule));
  return { trees: Object.fromEntries(lists), files: Object.fromEntries(kept.map((file) => [file, base64(files.read(file)!)])) };
}

/**
 * Reads what {@link formatRules} made, and believes none of it: the lock has to be the one that is asked for, under a right signature, and
 * each file and list the one that the lock names.
 * @param lock the digest of the state's lock
 * @param root the vault's folder, for messages
 * @returns `undefined` for anything else, such as a file that was cut off or that another state's backup has left
 */
export function parseRules(bytes: Uint8Array, vaultId: string, lock: Digest, root: string): Rules | undefined {
  if (bytes.length > MAX_RULES_BYTES) return undefined;
  try {
    const [first, second] = Buffer.from(bytes).toString("latin1").split("\n");
    const { version, ...general } = JSON.parse(first!) as Part & { readonly version: unknown };
    const signed = version === VERSION ? lockIn(general, vaultId, lock) : undefined;
    return signed && heldToLock(signed, [general, JSON.parse(second!) as Part], root);
  } catch {
    return undefined;
  }
}

/** The `config.yaml` in such a file, by its first line alone; `undefined` where it is not what was signed, or the state has none. */
export function configInRules(bytes: Uint8Array, vaultId: string, lock: Digest): Uint8Array | undefined {
  try {
    const first = JSON.parse(Buffer.from(bytes).toString("latin1", 0, bytes.indexOf(NEWLINE))) as Part;
    const signed = lockIn(first, vaultId, lock);
    const config = Buffer.from(first.files[CONFIG_FILE]!, "base64");
    return signed?.lock.files.get(CONFIG_FILE) === digestOf(config) ? config : undefined;
  } catch {
    return undefined;
  }
}

function lockIn({ files }: Part, vaultId: string, lock: Digest): SignedLock | undefined {
  const [bytes, signature] = [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => Buffer.from(files[file]!, "base64"));
  const signed = tryOpenLock(bytes, signature);
  return signed?.digest === lock && signed.lock.vault === vaultId ? signed : undefined;
}

function heldToLock(signed: SignedLock, parts: readonly Part[], root: string): Rules | undefined {
  const { lock } = signed;
  const trees = new Map<string, ReadonlyMap<string, Digest>>();
  for (const [tree, list] of parts.flatMap((part) => Object.entries(part.trees))) {
    const digests = digestOf(list) === lock.trees.get(tree) ? digestsInList(list, tree) : undefined;
    if (!digests) return undefined;
    trees.set(tree, digests);
  }
  const expected = new Map<string, Digest>(
    TOP_FILES.flatMap((file) => (lock.files.has(file) ? [[file, lock.files.get(file)!] as const] : [])),
  );
  for (const tree of lock.trees.keys()) {
    if (tree !== AGENTS_FOLDER && !isOfSecrets(tree)) continue;
    const digests = trees.get(tree);
    if (!digests) return undefined;
    for (const [file, digest] of digests) if (isRule(file)) expected.set(file, digest);
  }
  const files = new Map<string, Uint8Array>();
  for (const part of parts) for (const [file, text] of Object.entries(part.files)) files.set(file, Buffer.from(text, "base64"));
  for (const [file, digest] of expected) if (!files.has(file) || digestOf(files.get(file)!) !== digest) return undefined;
  const source = new RuleFiles(root, files);
  return { signed, source, vouched: new SignedFiles(lock, source, { trees }) };
}

/** Whether a file decides over uses: an agent's public key, a secret's metadata. */
function isRule(file: string): boolean {
  const { kind } = classify(file);
  return kind === "public-key" || kind === "metadata";
}

const isOfSecrets = (tree: string): boolean => tree.startsWith("secrets/");

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Files that are in memory. */
class RuleFiles implements FileSource {
  readonly root: string;
  readonly #files: ReadonlyMap<string, Uint8Array>;

  constructor(root: string, files: ReadonlyMap<string, Uint8Array>) {
    this.root = root;
    this.#files = files;
  }

  read(file: string, maxBytes = Infinity): Uint8Array | undefined {
    return this.#files.get(file)?.subarray(0, maxBytes);
  }

  walk(folder = ""): FileEntry[] {
    const inside = [...this.#files.keys()].filter((file) => folder === "" || file.startsWith(`${folder}/`));
    return inside.toSorted((a, b) => (a < b ? -1 : 1)).map((file) => ({ file, kind: "file" }));
  }
}
