import { dirname } from "node:path";
import { CommitFiles } from "../files/commit-files.js";
import { maxBytesOf } from "../files/limits.js";
import type { Context } from "../context.js";
import type { VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { VaultFiles } from "../files/vault-files.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import { addedBy, differingFrom, digestsIn, summarize, tampered, treeOf } from "../lock/signed-files.js";

/** A file that is not as its vault's owner signed it. */
export interface DifferingFile {
  /** Relative to the vault's folder; a folder, with a slash at its end, where nothing tells which of its files it is. */
  readonly file: string;
  readonly how: "changed" | "added" | "removed" | "unknown";
}

/** How many commits that hold a lock are looked at: its owner's own is the first of them, and copies come later. */
const MAX_COMMITS = 3;

/**
 * The very files that are not as a lock says. A lock has one digest for a folder, so they are compared with the commit in git's
 * history that holds the state that was signed, where the clone goes back so far.
 * @param present the digests of the vault's files as they are
 * @param config the bytes of `config.yaml`, which lists what the lock does not
 * @param revision a commit to look behind, beside all branches and HEAD
 */
export async function differingFiles(
  context: Context,
  root: string,
  { lock, digest }: SignedLock,
  present: ReadonlyMap<string, Digest>,
  config: Uint8Array | undefined,
  revision = "HEAD",
): Promise<DifferingFile[]> {
  const added = addedBy(lock, config);
  const signedFiles = new Map([...(added ?? []), ...lock.files]);
  const signedTrees = new Map([...(added ?? []), ...lock.trees]);
  const names = differingFrom(lock, added, summarize(present));
  const trees = new Map<string, ReadonlyMap<string, Digest> | undefined>(
    names.filter((name) => name.endsWith("/")).map((name) => [name.slice(0, -1), undefined]),
  );
  if (trees.size > 0) {
    for await (const digests of statesWith(context, root, digest, revision)) {
      const summary = summarize(digests);
      const treesThen = new Map([...summary.added, ...summary.trees]);
      for (const [tree, known] of trees) if (!known && treesThen.get(tree) === signedTrees.get(tree)) trees.set(tree, digests);
      if ([...trees.values()].every(Boolean)) break;
    }
  }
  return names.flatMap((name): DifferingFile[] => {
    if (!name.endsWith("/")) return compare([name], signedFiles, present);
    const tree = name.slice(0, -1);
    const signed = trees.get(tree);
    if (!signed) return [{ file: name, how: "unknown" }];
    return compare(
      [...signed.keys(), ...present.keys()].filter((file) => treeOf(file) === tree),
      signed,
      present,
    );
  });
}

/** The error of a work tree with files that are not what was signed, with their names instead of their folders'. */
export async function nameFiles(context: Context, root: string, error: VaultError): Promise<VaultError> {
  const files = new VaultFiles(root);
  const signed = openLock(files.read(LOCK_FILE)!, files.read(LOCK_SIGNATURE_FILE)!);
  const differing = await differingFiles(context, root, signed, digestsIn(files.source), files.read(CONFIG_FILE));
  return differing.length > 0
    ? tampered(
        differing.map(({ file }) => file),
        files.source,
      )
    : error;
}

/** The digests of the files of commits that brought a lock, the oldest first. */
async function* statesWith(context: Context, root: string, lock: Digest, revision: string): AsyncGenerator<Map<string, Digest>> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  if (!repository) return;
  const path = `${repository.pathOf(root)}/${LOCK_FILE}`;
  const list = await repository.try(["rev-list", "--full-history", "--reverse", "--all", revision, "--", `:(top,literal)${path}`]);
  const commits = (list ?? "").split("\n").filter(Boolean);
  const locks = await repository.contents(
    commits.map((commit) => `${commit}:${path}`),
    maxBytesOf(LOCK_FILE),
  );
  const holding = commits.filter((_, index) => locks[index] && digestOf(locks[index]) === lock);
  for (const commit of holding.slice(0, MAX_COMMITS)) yield digestsIn(CommitFiles.open(repository, commit, root));
}

function compare(files: readonly string[], signed: ReadonlyMap<string, Digest>, present: ReadonlyMap<string, Digest>): DifferingFile[] {
  return [...new Set(files)]
    .filter((file) => signed.get(file) !== present.get(file))
    .map((file) => ({ file, how: !signed.has(file) ? "added" : present.has(file) ? "changed" : "removed" }));
}
