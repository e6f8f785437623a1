import type { RemoteLimits } from "./remote-process.js";
import type { GitRepository } from "./repository.js";

/** Files of a revision. */
export interface WantedFiles {
  readonly revision: string;
  /** Paths from the root. A slash at the end asks for the files that are directly in a folder. */
  readonly paths: readonly string[];
  /** With all below the folders. */
  readonly recursive?: boolean;
}

/**
 * Fetches the contents of files that a partial clone lacks, all at once: git itself would fetch each when it is read, and its size when it
 * is listed. Nobody is asked for a password, and no hook runs.
 * @param remote the name of the remote that promised them
 * @returns how many were fetched
 * @throws GitError
 */
export async function fetchMissingFiles(
  repository: GitRepository,
  remote: string,
  { revision, paths, recursive = false }: WantedFiles,
  limits?: RemoteLimits,
): Promise<number> {
  const listing = await repository.run(["ls-tree", "-z", "--full-tree", ...(recursive ? ["-r"] : []), revision, "--", ...paths]);
  const ids = new Set(listing.split("\0").flatMap((line) => /^\d+ blob ([0-9a-f]+)\t/.exec(line)?.[1] ?? []));
  const missing = [...(await missingBelow(repository, revision, paths))].filter((id) => ids.has(id));
  if (missing.length === 0) return 0;
  const config = ["-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.writeCommitGraph=false"];
  const options = ["--refmap=", "--no-write-fetch-head", "--no-auto-maintenance", "--no-tags", "--no-recurse-submodules"];
  const args = [...config, "fetch", ...options, "--quiet", "--progress", "--filter=blob:none", "--stdin", "--", remote];
  await repository.askRemote(args, limits, linesOf(missing));
  return missing.length;
}

/** What rev-list finds to be missing: unlike most commands it does not fetch it. */
async function missingBelow(repository: GitRepository, revision: string, paths: readonly string[]): Promise<Set<string>> {
  const literal = paths.map((path) => `:(top,literal)${path}`);
  const args = ["rev-list", "--objects", "--no-object-names", "--missing=print", `${revision}^{tree}`, "--", ...literal];
  return new Set([...(await repository.run(args)).matchAll(/^\?([0-9a-f]+)$/gm)].map(([, id]) => id!));
}

const linesOf = (ids: readonly string[]): Uint8Array => Buffer.from(ids.map((id) => `${id}\n`).join(""));
