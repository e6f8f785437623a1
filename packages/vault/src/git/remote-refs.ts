import { isFullRef, isObjectId, type FullRef } from "./full-ref.js";
import type { RemoteLimits } from "./remote-process.js";
import type { GitRepository } from "./repository.js";

/** The refs that a remote says it has. */
export interface RemoteRefs {
  /** The branch that its HEAD is; `undefined` where that is detached, or the remote does not say. */
  readonly head: FullRef | undefined;
  /** Refs by their whole names, with the ids of the objects that they name. */
  readonly refs: ReadonlyMap<FullRef, string>;
}

/**
 * Asks a remote which refs it has. Nobody is asked for a password. What is not a ref's whole name and an object's id is left out.
 * @param remote the name of a remote, or a URL
 * @param wanted these refs alone, and the HEAD; all unless set
 * @throws GitError
 */
export async function listRemote(
  repository: GitRepository,
  remote: string,
  wanted?: readonly FullRef[],
  limits?: RemoteLimits,
): Promise<RemoteRefs> {
  const patterns = wanted ? ["HEAD", ...wanted] : [];
  const { stdout } = await repository.askRemote(["ls-remote", "--quiet", "--symref", "--", remote, ...patterns], limits);
  const refs = new Map<FullRef, string>();
  let head: FullRef | undefined;
  for (const line of stdout.split("\n")) {
    const [value = "", name = "", more] = line.split("\t");
    if (more !== undefined) continue;
    if (name === "HEAD" && value.startsWith("ref: ")) {
      const ref = value.slice("ref: ".length);
      if (isFullRef(ref)) head = ref;
      // A pattern is git's, and takes in names that end alike.
    } else if (isObjectId(value) && isFullRef(name) && (wanted?.includes(name) ?? true)) refs.set(name, value);
  }
  return { head, refs };
}
