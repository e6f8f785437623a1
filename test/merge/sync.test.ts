import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  addAgent,
  addOwner,
  deleteSecret,
  grant,
  MergeConflictError,
  move,
  removeOwner,
  revoke,
  rotateOwner,
  verify,
  type MergeReview,
} from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { makeTeam, memberOf, store, type Member, type Team } from "./team.js";

/** Both have one state, and it is sound. */
async function expectSame({ ana, ben, remote, box }: Team): Promise<VaultState> {
  expect(ben.lock()).toBe(ana.lock());
  expect(box.gitIn(remote, "show", "main:.agent-vault/vault.lock")).toBe(ana.lock());
  for (const member of [ana, ben]) {
    const { findings } = await verify(member.context(), member.vault, { strict: true });
    expect(findings).toEqual([]);
    expect(member.git("status", "--porcelain")).toBe("");
  }
  return new VaultState(ana.vault);
}

async function conflictOf(work: Promise<unknown>): Promise<MergeReview> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(MergeConflictError);
  expect((error as MergeConflictError).code).toBe("CONFLICT");
  return (error as MergeConflictError).review;
}

describe("sync where both sides changed the vault", () => {
  it.each(["false", "true"])("merges what two owners set, and the code, with pull.rebase %s", async (rebase) => {
    const team = await makeTeam();
    const { ana, ben } = team;
    ben.git("config", "pull.rebase", rebase);
    await store(ana, "g/a", "by ana");
    writeFileSync(join(ana.folder, "ana.js"), "a\n");
    ana.git("add", "ana.js");
    ana.git("commit", "--quiet", "--message", "Code of ana");
    await store(ben, "g/b", "by ben");
    await ana.sync();
    writeFileSync(join(ben.folder, "ben.js"), "b\n");
    ben.git("add", "ben.js");
    ben.git("commit", "--quiet", "--message", "Code of ben");
    const before = ben.git("rev-parse", "HEAD").trim();
    const { merged, pushed } = await ben.sync();
    expect([merged?.isFirst, merged?.encrypted, pushed > 0]).toEqual([true, 0, true]);
    await ana.sync();
    await expectSame(team);
    expect([await ana.read("g/b"), await ben.read("g/a")]).toEqual(["by ben", "by ana"]);
    expect(readFileSync(join(ana.folder, "ben.js"), "utf8")).toBe("b\n");
    expect(ana.git("rev-list", "--merges", "--count", "HEAD").trim()).toBe(rebase === "true" ? "0" : "1");
    expect(ana.lock()).toMatch(/^version: 2\n[^]*previous:\n {2}- sha256:\w+\n {2}- sha256:\w+\nowners/);
    // No state of ben's is lost with the commits that a rebase made again.
    const lock = ben.git("show", `${before}:.agent-vault/vault.lock`);
    const commits = ana.git("rev-list", "HEAD").trim().split("\n");
    expect(commits.some((commit) => ana.git("show", `${commit}:.agent-vault/vault.lock`) === lock)).toBe(true);
  });

  it("signs a merge only with what confirms it, where it has to be confirmed", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await store(ana, "g/a", "by ana");
    await store(ben, "g/b", "by ben");
    await ana.sync();
    const before = ben.lock();
    let asked = 0;
    const confirm = async () => {
      asked += 1;
      if (asked === 1) throw new Error("no");
    };
    await expect(ben.sync({ confirm })).rejects.toThrow("no");
    expect(ben.lock()).toBe(before);
    expect((await ben.sync({ confirm })).merged).toBeDefined();
    expect(asked).toBe(2);
  });

  it("encrypts again what the merged access asks for, and says what a revoked agent may have read", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
    await store(ben, "g/p", "new");
    await ana.sync();
    const { merged } = await ben.sync();
    expect(merged!.notes).toMatchObject([{ kind: "owed", subject: "agent bot", secrets: ["g/p"] }]);
    const parents = (await verify(ben.context(), ben.vault)).merged;
    expect(parents.map(({ digest }) => digest).toSorted()).toEqual([...merged!.parents].toSorted());
    const changes = parents.flatMap(({ changes }) => changes!.map(({ kind, subject }) => `${kind} ${subject}`));
    expect(changes).toEqual(expect.arrayContaining(["access bot", "secret changed"]));
    expect(ben.git("log", "-1", "--format=%B")).toContain("agent bot may have read");
    await ana.sync();
    const state = await expectSame(team);
    expect(state.agentsOf("g/p" as never)).toEqual([]);
    const key = join(team.box.home, ".agent-vault", "agents", "bot.key");
    const agent = memberOf(team.box, "bot", ana.folder, join(team.box.root, "home-bot"));
    const read = team.box.cli(["get", "g/p", "--no-pull", "--key", key], { cwd: agent.folder });
    expect((await read).code).toBe(4);
  });

  it("asks about two values of one secret, keeps the other for the owners, and signs nothing unasked", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await store(ana, "g/p", "by ana");
    await store(ben, "g/p", "by ben");
    await ana.sync();
    const head = ben.git("rev-parse", "HEAD");
    const review = await conflictOf(ben.sync());
    expect(review).toMatchObject({ ours: { signer: "ben" }, theirs: { signer: "eric" }, isFirst: true });
    expect(review.questions.map(({ id }) => id)).toEqual(["value g/p"]);
    expect(JSON.stringify(review)).not.toMatch(/by ana|by ben/);
    expect(ben.git("rev-parse", "HEAD")).toBe(head);
    const seen: MergeReview[] = [];
    const result = await ben.sync({
      review: async (shown) => {
        seen.push(shown);
        return new Map(shown.questions.map(({ id }) => [id, shown.theirs.digest]));
      },
    });
    expect([seen.length, result.merged?.answered]).toEqual([1, [{ id: "value g/p", side: "theirs" }]]);
    await ana.sync();
    await expectSame(team);
    expect(await ben.read("g/p")).toBe("by ana");
    // What each of them replaced is kept as well: it is one value.
    const [first, version, ...others] = readdirSync(join(ana.vault, "versions/g/p")).toSorted();
    expect([first, version, others]).toEqual([expect.stringMatching(/^1-/), expect.stringMatching(/^2-[0-9a-f]{8}\.enc$/), []]);
    const kept = await opened(ana, `versions/g/p/${version}`);
    expect(kept).toBe("by ben");
  });

  it("takes one side's answers with --ours and --theirs, and shows everything with --dry-run", async () => {
    const { ana, ben } = await makeTeam();
    await store(ana, "g/p", "by ana");
    await store(ben, "g/p", "by ben");
    await ana.sync();
    const head = ben.git("rev-parse", "HEAD");
    const dry = await ben.sync({ dryRun: true });
    expect(dry.unmerged?.questions).toHaveLength(1);
    expect(ben.git("rev-parse", "HEAD")).toBe(head);
    await ben.sync({ side: "ours" });
    await ana.sync();
    expect(await ana.read("g/p")).toBe("by ben");
  });

  it("changes nothing where a person says no, and nothing for an agent", async () => {
    const { ana, ben, box } = await makeTeam();
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    await ana.sync();
    const head = ben.git("rev-parse", "HEAD");
    expect((await ben.sync({ review: async () => undefined })).unmerged).toMatchObject({ isFirst: true, questions: [] });
    expect(ben.git("rev-parse", "HEAD")).toBe(head);
    const key = { keyFile: join(box.home, ".agent-vault", "agents", "bot.key") };
    await expect(ben.sync({ key })).rejects.toMatchObject({ code: "CONFLICT" });
    expect(ben.git("rev-parse", "HEAD")).toBe(head);
  });

  it("merges moves, deletions, new agents and new owners at once", async () => {
    const team = await makeTeam();
    const { ana, ben, box } = team;
    await move(ana.context(), { ...ana.request(), from: "g/p", to: "g/q" });
    await deleteSecret(ana.context(), { ...ana.request(), path: "h/other" });
    await addOwner(ana.context(), { ...ana.request(), owner: "cem", keyOut: join(box.root, "cem.key") });
    await store(ben, "g/p", "new");
    await addAgent(ben.context(), { ...ben.request(), agent: "dev" });
    await grant(ben.context(), { ...ben.request(), agent: "dev", target: "g" });
    await ana.sync();
    await ben.sync();
    await ana.sync();
    const state = await expectSame(team);
    expect([state.secretPaths(), state.agentsOf("g/q" as never), state.owners.map(({ name }) => name)]).toEqual([
      ["g/q"],
      ["bot", "dev"],
      ["eric", "ben", "cem"],
    ]);
    expect(await ana.read("g/q")).toBe("new");
    expect(await opened(ana, "agents/dev/private.key.escrow", join(box.root, "cem.key"))).toContain("AGE-SECRET-KEY-");
  });

  it("two owners who merge the same states make one state, and need no further merge", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    await ana.sync();
    const parent = ben.git("rev-parse", "HEAD");
    await ben.sync({ push: false });
    const made = ben.lock();
    // Another machine of ben's, which knows nothing of the first.
    team.box.gitIn(team.box.root, "clone", "--quiet", ben.folder, "third");
    ben.git("push", "--quiet", join(team.box.root, "third"), `${parent.trim()}:refs/heads/theirs`);
    const third = memberOf(team.box, "ana", join(team.box.root, "third"), ana.home);
    third.git("reset", "--quiet", "--hard", "theirs");
    third.git("remote", "set-url", "origin", team.remote);
    await third.sync();
    expect(third.lock()).toBe(made);
    const again = await ben.sync();
    expect(again.merged).toBeUndefined();
    expect(ben.lock()).toBe(made);
    await ana.sync();
    await expectSame(team);
  });

  it("takes a removed owner's changes only with a yes, and refuses a removed owner's own merge", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await store(ben, "g/b", "by ben");
    await removeOwner(ana.context(), { ...ana.request(), owner: "ben" });
    await ben.sync();
    const review = await conflictOf(ana.sync());
    expect(review.questions.map(({ id }) => id)).toEqual(["removed-owner ben"]);
    await ana.sync({ side: "theirs" });
    expect(await ana.read("g/b")).toBe("by ben");
    expect(new VaultState(ana.vault).owners.map(({ name }) => name)).toEqual(["eric"]);
    await store(ben, "g/c", "again");
    await expect(ben.sync({ side: "ours" })).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it("lets the only owner merge, with the key that took the former one's place", async () => {
    const box = new Sandbox();
    await makeVault(box, { "g/p": "first" });
    const remote = box.addRemote();
    await box.run("cp", ["-Rp", box.home, join(box.root, "home-2")]);
    box.gitIn(box.root, "clone", "--quiet", remote, "clone-2");
    const first = memberOf(box, "eric", box.repository, join(box.home, ".agent-vault"));
    const second = memberOf(box, "eric", join(box.root, "clone-2"), join(box.root, "home-2", ".agent-vault"));
    await store(second, "g/a", "by the former key");
    await rotateOwner(first.context(), first.request());
    await second.sync();
    await first.sync();
    expect([await first.read("g/a"), await first.read("g/p")]).toEqual(["by the former key", "first"]);
    expect((await verify(first.context(), first.vault, { strict: true })).findings).toEqual([]);
    await expect(second.sync()).resolves.toMatchObject({ pushed: 0 });
    expect(second.lock()).toBe(first.lock());
  });

  it("joins a branch with the branch that it goes into, by --onto", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    ben.git("switch", "--quiet", "--create", "mail");
    await store(ben, "mail/token", "1");
    ben.git("push", "--quiet", "--set-upstream", "origin", "mail");
    await store(ana, "g/a", "2");
    await ana.sync();
    const result = await ben.sync({ onto: "main" });
    expect([result.merged !== undefined, result.pushed > 0]).toEqual([true, true]);
    expect(await ben.read("g/a")).toBe("2");
    expect(ben.git("rev-parse", "origin/mail")).toBe(ben.git("rev-parse", "HEAD"));
    ana.git("fetch", "--quiet");
    ana.git("merge", "--quiet", "--ff-only", "origin/mail");
    expect((await verify(ana.context(), ana.vault, { strict: true })).findings).toEqual([]);
    await expect(ben.sync({ onto: "none" })).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  it("finds what both go back to after a squash, where git's merge base is older", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    ana.git("switch", "--quiet", "--create", "topic");
    await store(ana, "g/p", "second");
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
    ana.git("push", "--quiet", "--set-upstream", "origin", "topic");
    ben.git("fetch", "--quiet");
    ben.git("switch", "--quiet", "--create", "topic", "--track", "origin/topic");
    await store(ben, "g/p", "third");
    ana.git("switch", "--quiet", "main");
    ana.git("merge", "--squash", "--quiet", "topic");
    ana.git("commit", "--quiet", "--message", "Squashed");
    await store(ana, "h/other", "x");
    await ana.sync();
    const result = await ben.sync({ onto: "main" });
    expect(result.merged?.notes.filter(({ kind }) => kind === "owed")).toEqual([]);
    expect([await ben.read("g/p"), await ben.read("h/other")]).toEqual(["third", "x"]);
    expect(new VaultState(ben.vault).agentsOf("g/p" as never)).toEqual([]);
  });

  it("leaves everything as it is where the code conflicts", async () => {
    const { ana, ben } = await makeTeam();
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    for (const member of [ana, ben]) {
      writeFileSync(join(member.folder, "app.js"), `${member.name}\n`);
      member.git("commit", "--quiet", "--all", "--message", "Code");
    }
    await ana.sync();
    const head = ben.git("rev-parse", "HEAD");
    await expect(ben.sync()).rejects.toMatchObject({ code: "CONFLICT", message: expect.stringContaining("app.js") });
    expect([ben.git("rev-parse", "HEAD"), ben.git("status", "--porcelain")]).toEqual([head, ""]);
  });
});

/** What an owner's key opens. */
async function opened(member: Member, file: string, key = join(member.home, "owner.key")): Promise<string> {
  const { decrypt, parseIdentity } = await import("#vault/age/index.js");
  const text = readFileSync(key, "utf8")
    .split("\n")
    .find((line) => line.startsWith("AGE-SECRET-KEY-"))!;
  return Buffer.from(await decrypt(readFileSync(join(member.vault, file)), [parseIdentity(text)])).toString();
}
