import type { GitRepository } from "../git/repository.js";
import { withoutCredentials } from "../text/credentials.js";

/** The branch of a remote that the checked-out branch follows. */
export interface Upstream {
  /** The remote's name, such as `origin`. */
  readonly remote: string;
  /** The branch there: `refs/heads/main`. */
  readonly branch: string;
  /** What was last fetched of it: `refs/remotes/origin/main`. */
  readonly tracking: string;
  /** The same as a person says it: `origin/main`. */
  readonly name: string;
  /** Its name in the memory of trust: URL and branch, without user name and password. */
  readonly id: string;
}

/** The upstream of the checked-out branch, or `undefined` where it has none. */
export async function findUpstream(repository: GitRepository): Promise<Upstream | undefined> {
  const { ref } = await repository.head();
  if (ref === "HEAD") return undefined;
  const format = "--format=%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)";
  const [remote, branch, tracking] = ((await repository.try(["for-each-ref", format, ref])) ?? "").trimEnd().split("\0");
  if (!remote || !branch || !tracking) return undefined;
  const url = (await repository.try(["remote", "get-url", remote]))?.trim() ?? remote;
  return { remote, branch, tracking, name: tracking.replace("refs/remotes/", ""), id: `${withoutCredentials(url)} ${branch}` };
}
