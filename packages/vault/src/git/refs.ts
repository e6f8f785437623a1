import { DURABLE } from "./commit-tree.js";
import type { GitRepository } from "./repository.js";

/** The move of one ref from the commit where it has to be to another one. */
export interface RefMove {
  /** A branch, or `HEAD` itself where it is detached. */
  readonly ref: string;
  /** The commit that it has to be at; `undefined` where it must not exist. */
  readonly from: string | undefined;
  readonly to: string;
  /** For the reflog. */
  readonly message: string;
}

/** Moves a branch from one commit to another, in one step that the disk holds when this returns. @throws GitError where it is elsewhere */
export async function moveRef(repository: GitRepository, { ref, from, to, message }: RefMove): Promise<void> {
  const update = `${ref === "HEAD" ? "option no-deref\n" : ""}update ${ref} ${to} ${from ?? "0".repeat(to.length)}\n`;
  await repository.run([...DURABLE, "update-ref", "-m", message, "--stdin"], { input: Buffer.from(`start\n${update}commit\n`) });
}

/** The commits of the branch that is checked out and of its upstream. */
export interface Tips {
  readonly head: string;
  readonly upstream: string;
  /** The upstream as a person says it, such as `origin/main`. */
  readonly name: string;
}

/** @returns `undefined` where there is no commit or no upstream */
export async function readTips(repository: GitRepository): Promise<Tips | undefined> {
  const output = await repository.try(["rev-parse", "HEAD", "@{upstream}", "--abbrev-ref", "@{upstream}"]);
  const [head, upstream, name] = output?.trimEnd().split("\n") ?? [];
  return head && upstream && name ? { head, upstream, name } : undefined;
}

/** How many commits each of two has that the other lacks. */
export async function countApart(repository: GitRepository, head: string, upstream: string): Promise<{ ahead: number; behind: number }> {
  const counts = await repository.run(["rev-list", "--left-right", "--count", `${head}...${upstream}`]);
  const [ahead, behind] = counts.trim().split("\t").map(Number);
  return { ahead: ahead!, behind: behind! };
}

/** How many commits a range has, such as `origin/main..HEAD`. */
export async function countCommits(repository: GitRepository, range: string): Promise<number> {
  return Number((await repository.run(["rev-list", "--count", range])).trim());
}
