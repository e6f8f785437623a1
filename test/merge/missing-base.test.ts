import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grant, MergeConflictError, revoke, verify, type MergeReview } from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import { makeTeam, memberOf, store, type Member, type Team } from "./team.js";

/** ben in a new clone of the remote. */
function cloned({ box, ben, remote }: Team, ...options: string[]): Member {
  const folder = join(box.root, "new-clone");
  box.gitIn(box.root, "clone", "--quiet", ...options, `file://${remote}`, folder);
  return memberOf(box, "ben", folder, ben.home);
}

/**
 * Two branches of the remote, each of one commit, whose states follow one that no commit of them has: main, on which g/p was set, and `next`, on which
 * bot lost g. The state that both follow, in which bot was granted h, is on the branch `topic`.
 */
async function squashTwice({ ana }: Team): Promise<void> {
  ana.git("switch", "--quiet", "--create", "topic");
  await grant(ana.context(), { ...ana.request(), agent: "bot", target: "h" });
  ana.git("push", "--quiet", "origin", "topic");
  for (const [branch, change] of [
    ["main", () => store(ana, "g/p", "second")],
    ["next", () => revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" })],
  ] as const) {
    ana.git("switch", "--quiet", "--create", `topic-${branch}`, "topic");
    await change();
    if (branch === "main") ana.git("switch", "--quiet", "main");
    else ana.git("switch", "--quiet", "--create", branch, "main~1");
    ana.git("merge", "--squash", "--quiet", `topic-${branch}`);
    ana.git("commit", "--quiet", "--message", `Squashed ${branch}`);
    ana.git("push", "--quiet", "origin", branch);
  }
}

describe("a state that both sides go back to and that is not in the clone", () => {
  it("is fetched with the history of a shallow clone", async () => {
    const team = await makeTeam();
    const { ana } = team;
    ana.git("switch", "--quiet", "--create", "next");
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
    ana.git("push", "--quiet", "origin", "next");
    ana.git("switch", "--quiet", "main");
    await store(ana, "g/p", "second");
    await ana.sync();
    const shallow = cloned(team, "--depth=1", "--no-single-branch", "--branch=next");
    const { merged } = await shallow.sync({ onto: "main" });
    expect(merged?.answered).toEqual([]);
    expect([await shallow.read("g/p"), new VaultState(shallow.vault).agentsOf("g/p" as never)]).toEqual(["second", []]);
    expect((await verify(shallow.context(), shallow.vault, { strict: true })).findings).toEqual([]);
  });

  it("is fetched from another branch of the remote, and no ref is left behind", async () => {
    const team = await makeTeam();
    await squashTwice(team);
    const clone = cloned(team, "--single-branch", "--branch=next");
    const { merged } = await clone.sync({ onto: "main" });
    expect(merged?.answered).toEqual([]);
    const state = new VaultState(clone.vault);
    expect([await clone.read("g/p"), state.agentsOf("g/p" as never), state.agentsOf("h/other" as never)]).toEqual(["second", [], ["bot"]]);
    expect(clone.git("for-each-ref", "refs/agent-vault/all", "refs/remotes/origin/topic")).toBe("");
  });

  it("and that the remote has lost is asked about, on a terminal alone; then each side's removals count", async () => {
    const team = await makeTeam();
    await squashTwice(team);
    team.ana.git("push", "--quiet", "origin", "--delete", "topic");
    const clone = cloned(team, "--branch=next");
    const head = clone.git("rev-parse", "HEAD");
    const error = await clone.sync({ onto: "main", side: "theirs" }).catch((error: unknown) => error as MergeConflictError);
    expect(error).toBeInstanceOf(MergeConflictError);
    expect((error as MergeConflictError).review.questions.map(({ kind }) => kind)).toEqual(["base"]);
    expect(clone.git("rev-parse", "HEAD")).toBe(head);
    const seen: MergeReview[] = [];
    const { merged } = await clone.sync({
      onto: "main",
      side: "theirs",
      review: async (review) => {
        seen.push(review);
        return new Map(review.questions.map(({ id }) => [id, review.ours.digest]));
      },
    });
    expect(merged?.answered.map(({ id }) => id)).toContain(seen[0]!.questions[0]!.id);
    expect(seen[0]!.theirs.changes.map(({ widens }) => widens)).toContain(true);
    const state = new VaultState(clone.vault);
    expect([state.agentsOf("g/p" as never), state.agentsOf("h/other" as never), state.secretPaths()]).toEqual([
      [],
      ["bot"],
      ["g/p", "h/other"],
    ]);
    expect((await verify(clone.context(), clone.vault, { strict: true })).findings).toEqual([]);
  });
});
