import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  addAgent,
  deleteSecret,
  digestOf,
  finishInHook,
  grant,
  move,
  parseIdentity,
  removeAgent,
  revoke,
  set,
  SigningKey,
  verify,
  type MergeReview,
} from "#vault/index.js";
import { generateIdentity } from "#vault/age/index.js";
import { parseLock } from "#vault/lock/lock.js";
import { signFolder } from "../support/signing.js";
import { VaultState } from "#vault/files/vault-state.js";
import { SLOW } from "../support/slow.js";
import { keepMachine, makeGitTeam, MARK } from "./git-team.js";
import { store, type Member, type Team } from "./team.js";

/** What git is told to bring ana's changes and ben's together by, in ana's clone. */
const WAYS = {
  merge: (ana: Member) => ana.git("merge", "--quiet", "--no-edit", "origin/main"),
  rebase: (ana: Member) => ana.git("rebase", "--quiet", "origin/main"),
  "cherry-pick": (ana: Member) => {
    const base = ana.git("merge-base", "main", "origin/main").trim();
    ana.git("switch", "--quiet", "--create", "picked", "--track", "origin/main");
    return ana.git("cherry-pick", `${base}..main`);
  },
} as const;
const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];

async function expectSound(member: Member): Promise<VaultState> {
  expect((await verify(member.context(), member.vault, { strict: true })).findings).toEqual([]);
  expect(member.git("status", "--porcelain")).toBe("");
  expect(existsSync(join(member.folder, MARK))).toBe(false);
  return new VaultState(member.vault);
}

const describeSecret = (member: Member, path: string, attributes: object) =>
  set(member.context(), { ...member.request(), path, attributes } as never);

/** Brings both sides together in each way, from one start. @param few the ways where tests may not take long */
async function eachWay(team: Team, look: (way: keyof typeof WAYS) => Promise<void>, few = ways): Promise<void> {
  const restore = keepMachine(team.box);
  for (const way of SLOW ? ways : few) {
    restore();
    await look(way);
  }
}

describe("git merge, rebase and cherry-pick of a vault that both sides changed, with the driver", { timeout: 180_000 }, () => {
  it("leaves no conflict, and the next sync signs what the table says", async () => {
    const team = await makeGitTeam();
    const { ana, ben } = team;
    await store(ana, "g/a", "by ana");
    await describeSecret(ana, "g/p", { description: "ana's", environment: "production" });
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "h/other" });
    await removeAgent(ana.context(), { ...ana.request(), agent: "left" });
    await store(ben, "g/b", "by ben");
    await store(ben, "g/p", "new");
    await grant(ben.context(), { ...ben.request(), agent: "left", target: "h/other" });
    await addAgent(ben.context(), { ...ben.request(), agent: "dev" });
    await grant(ben.context(), { ...ben.request(), agent: "dev", target: "g" });
    await store(ben, "h/other", "for those who are left");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    await eachWay(team, async (way) => {
      WAYS[way](ana);
      expect(ana.git("status", "--porcelain")).toBe("");
      expect(() => ana.git("grep", "-q", "-E", "^(<<<<<<<|>>>>>>>)", "HEAD", "--", ".agent-vault")).toThrow();
      // Nothing is signed by a merge.
      const before = ana.git("rev-parse", "HEAD").trim();
      expect((await verify(ana.context(), ana.vault)).ok).toBe(false);
      await ana.sync();
      expect(ana.git("rev-list", "--count", `${before}..HEAD`).trim()).toBe("1");
      const state = await expectSound(ana);
      expect(state.secretPaths()).toEqual(["g/a", "g/b", "g/gone", "g/old", "g/p", "h/more", "h/other"]);
      expect([await ana.read("g/p"), await ana.read("g/a"), await ana.read("g/b")]).toEqual(["new", "by ana", "by ben"]);
      expect([state.agentsOf("g/a" as never), state.agentsOf("h/other" as never)]).toEqual([["bot", "dev"], []]);
      expect(state.manifest.agents.has("left")).toBe(false);
      const metadata = readFileSync(join(ana.vault, "secrets/g/p.meta"), "utf8");
      expect(metadata).toContain("description: ana's");
      expect(metadata).toContain("version: 2");
      ben.git("fetch", "--quiet");
      if (way !== "cherry-pick") {
        await ben.sync();
        expect(ben.lock()).toBe(ana.lock());
      }
    });
  });

  it("stops where git asks no driver, and sync ends it", async () => {
    const team = await makeGitTeam();
    const { ana, ben } = team;
    await deleteSecret(ana.context(), { ...ana.request(), path: "g/gone" });
    await move(ana.context(), { ...ana.request(), from: "g/old", to: "h/new" });
    await grant(ben.context(), { ...ben.request(), agent: "bot", target: "h" });
    await grant(ben.context(), { ...ben.request(), agent: "left", target: "h/more" });
    await revoke(ben.context(), { ...ben.request(), agent: "left", target: "g" });
    await store(ben, "g/old", "newer");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    await eachWay(
      team,
      async (way) => {
        expect(() => WAYS[way](ana)).toThrow();
        await expect(store(ana, "g/x", "x")).rejects.toMatchObject({ code: "REPOSITORY_BUSY" });
        await ana.sync();
        const state = await expectSound(ana);
        expect([state.secretPaths(), await ana.read("h/new")]).toEqual([["g/p", "h/more", "h/new", "h/other"], "newer"]);
        expect([state.agentsOf("h/new" as never), state.agentsOf("g/p" as never)]).toEqual([["bot"], ["bot"]]);
      },
      ["rebase"],
    );
  });

  it("asks about what only an owner can decide, and the next change ends it", async () => {
    const team = await makeGitTeam();
    const { ana, ben } = team;
    await store(ana, "g/p", "by ana");
    await store(ben, "g/p", "by ben");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    await eachWay(
      team,
      async (way) => {
        WAYS[way](ana);
        const head = ana.git("rev-parse", "HEAD");
        await expect(store(ana, "g/q", "q")).rejects.toMatchObject({ code: "CONFLICT" });
        await expect(ana.sync()).rejects.toMatchObject({ code: "CONFLICT" });
        expect(ana.git("rev-parse", "HEAD")).toBe(head);
        const shown: MergeReview[] = [];
        const review = async (seen: MergeReview) => {
          shown.push(seen);
          return new Map(seen.questions.map(({ id }) => [id, seen.theirs.digest]));
        };
        await set(ana.context(), { ...ana.request(), path: "g/q", value: Buffer.from("q"), review });
        expect(shown.map(({ questions }) => questions.map(({ id }) => id))).toEqual([["value g/p"]]);
        await expectSound(ana);
        const [chosen, other] = way === "merge" ? ["by ben", "by ana"] : way === "rebase" ? ["by ana", "by ben"] : ["by ana", "by ben"];
        expect([await ana.read("g/p"), await ana.read("g/q")]).toEqual([chosen, "q"]);
        expect(other).not.toBe(chosen);
        // The value that both replaced, and the one that was not chosen.
        const kept = new VaultState(ana.vault).source.walk("versions").map(({ file }) => file);
        expect(kept).toEqual([expect.stringMatching(/^versions\/g\/p\/1-/), expect.stringMatching(/^versions\/g\/p\/2-/)]);
      },
      ["merge", "cherry-pick"],
    );
  });
});

describe("a merge that plain git made", () => {
  it("is what sync would have made of the same states", async () => {
    const { ana, ben } = await makeGitTeam();
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    const ours = ana.git("rev-parse", "HEAD").trim();
    // Until then a job on the branch says which command joins the two.
    const job = ana.context({ env: { ...ana.context().env, GITHUB_BASE_REF: "main" } });
    const against = await verify(job, ana.vault, { against: ana.git("rev-parse", "origin/main").trim() });
    expect(against.findings.find(({ kind }) => kind === "diverged")?.remedy).toContain("agent-vault sync --onto main");
    WAYS.merge(ana);
    await ana.sync({ push: false });
    const signed = ana.lock();
    // Without the merge, sync makes one of its own.
    ana.git("reset", "--quiet", "--hard", ours);
    await ana.sync();
    expect(ana.lock()).toBe(signed);
  });

  it("can be given up, halfway and afterwards, and the mark goes", async () => {
    const { ana, ben } = await makeGitTeam();
    for (const member of [ana, ben]) {
      await store(member, `g/${member.name}`, "1");
      writeFileSync(join(member.folder, "app.js"), `${member.name}\n`);
      member.git("commit", "--quiet", "--all", "--message", "Code");
    }
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    expect(() => WAYS.merge(ana)).toThrow();
    await expect(store(ana, "g/x", "x")).rejects.toMatchObject({ code: "REPOSITORY_BUSY" });
    ana.git("merge", "--abort");
    await store(ana, "g/x", "x");
    ana.git("merge", "--quiet", "--no-edit", "--strategy-option", "ours", "origin/main");
    ana.git("reset", "--quiet", "--hard", "ORIG_HEAD");
    await store(ana, "g/y", "y");
    expect(existsSync(join(ana.folder, MARK))).toBe(false);
    await expectSound(ana);
  });

  it("is signed from the states alone, whatever was written into its files", async () => {
    const { ana, ben } = await makeGitTeam();
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    ana.git("merge", "--quiet", "--no-commit", "origin/main");
    const manifest = join(ana.vault, "manifest.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("name: bot\n  groups:\n", "name: bot\n  groups:\n  - h\n"));
    writeFileSync(join(ana.vault, "policy.yaml"), "version: 2\nrules:\n- {secrets: ['*'], allow: {agents: ['*']}}\n");
    ana.git("add", ".agent-vault");
    ana.git("commit", "--quiet", "--no-verify", "--no-edit");
    await ana.sync();
    const state = await expectSound(ana);
    expect([state.secretPaths().length, state.agentsOf("h/other" as never), existsSync(join(ana.vault, "policy.yaml"))]).toEqual([
      7,
      ["bot"],
      false,
    ]);
  });

  it("made without the driver, with conflict markers committed, is mended in the same way", async () => {
    const { ana, ben } = await makeGitTeam();
    ana.git("config", "--remove-section", "merge.agent-vault");
    await store(ana, "g/a", "1");
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "h/other" });
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    expect(() => WAYS.merge(ana)).toThrow();
    ana.git("add", "--all", ".agent-vault");
    ana.git("commit", "--quiet", "--no-verify", "--no-edit");
    expect(readFileSync(join(ana.vault, "vault.lock"), "utf8")).toContain("<<<<<<<");
    ana.git("push", "--quiet", "--no-verify");
    // A colleague's sync mends it where it was fetched, and pushes.
    await ben.sync();
    await expectSound(ben);
    expect(await ben.read("g/a")).toBe("1");
    await ana.sync();
    expect(ana.lock()).toBe(ben.lock());
    expect((await expectSound(ana)).agentsOf("h/other" as never)).toEqual([]);
  });

  it("is left where a side was changed by hand, and where a state is not here", async () => {
    const { ana, ben } = await makeGitTeam();
    await store(ana, "g/a", "1");
    writeFileSync(join(ana.vault, "policy.yaml"), "version: 2\nrules:\n- {secrets: ['*'], allow: {agents: ['*']}}\n");
    ana.git("add", ".agent-vault");
    ana.git("commit", "--quiet", "--no-verify", "--message", "A policy");
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    WAYS.merge(ana);
    await expect(ana.sync()).rejects.toMatchObject({ code: "CONFLICT", message: expect.stringMatching(/without agent-vault/) });
    const lock = join(ben.vault, "vault.lock");
    writeFileSync(lock, `# x\nvault: ${/vault: (.+)/.exec(readFileSync(lock, "utf8"))![1]}\njoined:\n  - sha256:${"0".repeat(64)}\n`);
    ben.git("commit", "--quiet", "--no-verify", "--all", "--message", "By hand");
    await expect(ben.sync()).rejects.toMatchObject({ code: "CONFLICT", message: expect.stringMatching(/does not hold/) });
  });

  it.each(["a manifest that nobody signed", "a state that a stranger signed"])("is not signed with %s on the other side", async (what) => {
    const { ana, ben } = await makeGitTeam();
    await store(ana, "g/a", "1");
    const manifest = join(ben.vault, "manifest.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("name: left\n  groups:\n", "name: left\n  groups:\n  - h\n"));
    const { vault: id } = parseLock(readFileSync(join(ben.vault, "vault.lock")));
    const stranger = new SigningKey(parseIdentity((await generateIdentity("x25519")).reveal()), id);
    if (what.startsWith("a state")) signFolder(ben.vault, stranger, { sequence: 99, owners: [{ name: "eric", key: stranger.publicKey }] });
    ben.git("commit", "--quiet", "--no-verify", "--all", "--message", "Evil");
    ben.git("push", "--quiet", "--no-verify");
    ana.git("fetch", "--quiet");
    WAYS.merge(ana);
    const head = ana.git("rev-parse", "HEAD");
    const code = what.startsWith("a state") ? "UNTRUSTED_SIGNER" : "TAMPERED";
    await expect(ana.sync({ review: async () => new Map() })).rejects.toMatchObject({ code });
    await expect(store(ana, "g/x", "x")).rejects.toMatchObject({ code });
    expect(ana.git("rev-parse", "HEAD")).toBe(head);
  });

  it("takes a mark that was written by hand, and another driver's name, for nothing", async () => {
    const { ana, ben } = await makeGitTeam();
    mkdirSync(join(ana.folder, ".git/agent-vault"), { recursive: true });
    writeFileSync(join(ana.folder, MARK), JSON.stringify({ version: 1, folder: ".agent-vault", lock: digestOf(ana.lock()) }));
    const before = ana.lock();
    expect(await finishInHook(ana.context())).toBeUndefined();
    expect([ana.lock(), existsSync(join(ana.folder, MARK))]).toEqual([before, false]);
    ana.git("config", "merge.ours.driver", "true");
    writeFileSync(join(ana.vault, ".gitattributes"), "* merge=ours\n");
    ana.git("commit", "--quiet", "--no-verify", "--all", "--message", "Attributes");
    ana.git("reset", "--quiet", "--hard", "HEAD~1");
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    writeFileSync(join(ana.folder, ".git/info/attributes"), ".agent-vault/** merge=ours\n");
    WAYS.merge(ana);
    await ana.sync();
    await expectSound(ana);
    expect(await ana.read("g/b")).toBe("2");
  });

  it("is signed by the hook, which asks nothing and leaves what is open", async () => {
    const { ana, ben } = await makeGitTeam({ hooks: true });
    await store(ana, "g/a", "1");
    await store(ben, "g/b", "2");
    ben.git("push", "--quiet");
    ana.git("pull", "--quiet", "--rebase");
    await expectSound(ana);
    ana.git("push", "--quiet");
    ben.git("pull", "--quiet");
    await store(ana, "g/p", "by ana");
    await store(ben, "g/p", "by ben");
    ana.git("push", "--quiet");
    // Ben's key is not in the home of the process that git starts.
    const env = { ...ben.context().env, AGENT_VAULT_HOME: ben.home };
    const pull = await ben.run("git", ["pull", "--quiet", "--no-rebase", "--no-edit"], env);
    expect([pull.code, pull.stderr]).toEqual([0, expect.stringContaining("agent-vault sync")]);
    const push = await ben.run("git", ["push"], env);
    expect([push.code, push.stderr]).toEqual([1, expect.stringContaining("agent-vault sync")]);
    await ben.sync({ side: "ours" });
    await expectSound(ben);
    await ana.sync();
    expect(await ana.read("g/p")).toBe("by ben");
  });

  it("does not repeat by a cherry-pick what was taken back since, unseen", async () => {
    const { ana } = await makeGitTeam();
    await grant(ana.context(), { ...ana.request(), agent: "bot", target: "h/more" });
    const granted = ana.git("rev-parse", "HEAD").trim();
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "h/more" });
    await store(ana, "g/a", "1");
    ana.git("cherry-pick", "--allow-empty", granted);
    await expect(ana.sync()).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    await expect(ana.sync({ review: async () => undefined })).resolves.toMatchObject({ unmerged: { mustBeSeen: true } });
  });

  it("brings by a cherry-pick the one change and not what lies behind it", async () => {
    const { ana, ben } = await makeGitTeam();
    ben.git("switch", "--quiet", "--create", "topic");
    await grant(ben.context(), { ...ben.request(), agent: "bot", target: "h" });
    await store(ben, "g/b", "picked");
    ben.git("push", "--quiet", "origin", "topic");
    await store(ana, "g/a", "1");
    ana.git("fetch", "--quiet");
    ana.git("cherry-pick", "origin/topic");
    await store(ana, "g/c", "3");
    const state = await expectSound(ana);
    expect([await ana.read("g/b"), state.agentsOf("h/more" as never)]).toEqual(["picked", []]);
    expect(ana.lock()).toMatch(/^version: 1\n/);
  });
});
