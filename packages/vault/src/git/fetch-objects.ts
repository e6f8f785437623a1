import { isPartialClone, PARTIAL_FETCH } from "./partial-clone.js";
import type { RemoteLimits } from "./remote-process.js";
import type { GitRepository } from "./repository.js";

/** Files of a revision. */
export interface WantedFiles {
  readonly revision: string;
  /** Paths from the root. A slash at the end asks for the files that are directly in a folder. */
  readonly paths: readonly string[];
  /** With all below the folders. */
  readonly recursive?: boolean;
  /** Leaves out the others of these files. */
  readonly only?: (path: string) => boolean;
}

/** A blob that the repository lacks, and where a revision has it. */
export interface MissingFile {
  readonly id: string;
  readonly path: string;
}

/** More bytes of a listing than these are not read. */
const MAX_LISTING_BYTES = 32 * 1024 * 1024;

/** The files that a partial clone lacks, each blob once. @throws GitError `tooMuchOutput` where they are more than any folder has */
export function missingFiles(repository: GitRepository, { revision, paths, recursive = false, only }: WantedFiles): MissingFile[] {
  const args = ["ls-tree", "-z", "--full-tree", ...(recursive ? ["-r"] : []), revision, "--", ...paths];
  const listing = repository.runSync(args, { maxBytes: MAX_LISTING_BYTES }).toString("utf8");
  const missing = missingBelow(repository, [`${revision}^{tree}`, "--", ...literal(paths)]);
  const files = new Map<string, string>();
  for (const line of missing.size === 0 ? [] : listing.split("\0")) {
    const [, id, path] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (id !== undefined && missing.has(id) && (only?.(path!) ?? true)) files.set(id, path!);
  }
  return [...files].map(([id, path]) => ({ id, path }));
}

/** All blobs that files have had in the commits behind a revision and that a partial clone lacks. @throws GitError as `missingFiles` */
export function missingInHistory(repository: GitRepository, revision: string, paths: readonly string[]): Set<string> {
  return missingBelow(repository, ["--full-history", revision, "--", ...literal(paths)]);
}

/**
 * Fetches blobs by their ids, all at once: git itself would fetch each when it is read, and its size when it is listed.
 * @param remote the name of the remote that promised them
 * @throws GitError
 */
export async function fetchBlobs(
  repository: GitRepository,
  remote: string,
  ids: ReadonlySet<string>,
  limits?: RemoteLimits,
): Promise<void> {
  if (ids.size === 0) return;
  const partial = isPartialClone(repository.workTree) ? PARTIAL_FETCH : [];
  const config = ["-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.writeCommitGraph=false", ...partial];
  const options = ["--refmap=", "--no-write-fetch-head", "--no-auto-maintenance", "--no-tags", "--no-recurse-submodules"];
  const args = [...config, "fetch", ...options, "--progress", "--filter=blob:none", "--stdin", "--", remote];
  await repository.askRemote(args, limits, Buffer.from([...ids].map((id) => `${id}\n`).join("")));
}

/** What rev-list finds to be missing: unlike most commands it does not fetch it. */
function missingBelow(repository: GitRepository, revisions: readonly string[]): Set<string> {
  const args = ["rev-list", "--objects", "--no-object-names", "--missing=print", ...revisions];
  const listing = repository.runSync(args, { maxBytes: MAX_LISTING_BYTES }).toString("latin1");
  return new Set([...listing.matchAll(/^\?([0-9a-f]+)$/gm)].map(([, id]) => id!));
}

const literal = (paths: readonly string[]): string[] => paths.map((path) => `:(top,literal)${path}`);
