import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generateIdentity, MergeConflictError, removeOwner, revoke, sign, SigningKey, type MergeReview } from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import { formatLock, parseLock } from "#vault/lock/lock.js";
import { Ancestry } from "#vault/lock/ancestry.js";
import { digestOf } from "#vault/lock/digest.js";
import { digestsIn, summarize } from "#vault/lock/signed-files.js";
import { readIdentity } from "../support/identity.js";
import { errorCode } from "../support/sandbox.js";
import { makeTeam, store, type Member, type Team } from "../merge/team.js";

/** Mallory, who can push and has no owner's key, changes the vault on the remote. */
function pushes({ box, remote }: Team, edit: (vault: string, git: (...args: string[]) => string) => void): void {
  const folder = join(box.root, "mallory");
  box.gitIn(box.root, "clone", "--quiet", remote, folder);
  edit(join(folder, ".agent-vault"), (...args) => box.gitIn(folder, ...args));
  box.gitIn(folder, "add", "--all");
  box.gitIn(folder, "commit", "--quiet", "--allow-empty", "--message", "Changes");
  box.gitIn(folder, "push", "--quiet");
}

async function refused(member: Member, code: string): Promise<void> {
  const before = [member.git("rev-parse", "HEAD"), member.lock()];
  await expect(member.sync({ side: "theirs", review: async () => new Map() })).rejects.toMatchObject({ code });
  expect([member.git("rev-parse", "HEAD"), member.lock()]).toEqual(before);
}

function replace(file: string, text: string, by: string): void {
  const before = readFileSync(file, "utf8");
  expect(before).toContain(text);
  writeFileSync(file, before.replace(text, by));
}

describe("a merge", () => {
  it("takes no recipient that nobody signed, be it in the manifest or in a key", async () => {
    for (const edit of [
      (vault: string) => replace(join(vault, "manifest.yaml"), "extra_agents:\n", "extra_agents:\n  g/p:\n  - bot\n"),
      (vault: string) => replace(join(vault, "agents/bot/public.key"), "age1", "age1q"),
    ]) {
      const team = await makeTeam();
      await store(team.ben, "g/b", "by ben");
      await store(team.ana, "g/a", "by ana");
      await team.ana.sync();
      pushes(team, edit);
      await refused(team.ben, "TAMPERED");
    }
  });

  it("takes no state by a stranger for a second parent", async () => {
    const team = await makeTeam();
    await store(team.ben, "g/b", "by ben");
    await store(team.ana, "g/a", "by ana");
    await team.ana.sync();
    const mallory = await generateIdentity("x25519");
    pushes(team, (vault) => {
      const state = new VaultState(vault);
      const lock = parseLock(state.read("vault.lock")!);
      const key = new SigningKey(mallory, lock.vault);
      const { files, trees } = summarize(digestsIn(state.source));
      const owners = [...lock.owners, { name: "mallory", key: key.publicKey }];
      const bytes = formatLock({ ...lock, sequence: lock.sequence + 1, owners, files, trees });
      writeFileSync(join(vault, "vault.lock"), bytes);
      writeFileSync(join(vault, "vault.lock.sig"), key.sign(bytes));
    });
    await refused(team.ben, "UNTRUSTED_SIGNER");
  });

  it("takes no base with other files than were signed: what was removed does not look as if it was added", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    await store(ben, "g/b", "by ben");
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
    // A commit behind the newest, with the lock of the common state and a manifest in which bot is in no group yet.
    const base = ana.git("rev-parse", "HEAD~1").trim();
    await ana.sync();
    pushes(team, (vault, git) => {
      const newest = git("rev-parse", "HEAD").trim();
      git("checkout", "--quiet", base, "--", ".agent-vault");
      replace(join(vault, "manifest.yaml"), "  - g\n", "");
      git("commit", "--quiet", "--all", "--message", "Crafted");
      git("checkout", "--quiet", newest, "--", ".agent-vault");
    });
    const { merged } = await ben.sync();
    expect(merged).toBeDefined();
    const state = new VaultState(ben.vault);
    expect([state.agentsOf("g/p" as never), state.agentsOf("g/b" as never)]).toEqual([[], []]);
  });

  it("shows a rule of the policy that one side widened, and asks where both changed it", async () => {
    const team = await makeTeam();
    const { ana, ben } = team;
    const policy = (agents: string) =>
      `version: 2\nrules:\n  - name: deploy\n    secrets: ["g/*"]\n    allow:\n      agents: [${agents}]\n`;
    const signPolicy = async (member: Member, text: string) => {
      writeFileSync(join(member.vault, "policy.yaml"), text);
      await sign(member.context(), { ...member.request(), approve: () => true });
    };
    await signPolicy(ana, policy("bot, dev"));
    await ana.sync();
    ben.git("pull", "--quiet");
    await signPolicy(ben, policy("bot"));
    await signPolicy(ana, policy('"*"'));
    await ana.sync();
    const error = await ben.sync().then(
      () => undefined,
      (error: unknown) => error as MergeConflictError,
    );
    expect(error).toBeInstanceOf(MergeConflictError);
    const { questions, theirs }: MergeReview = error!.review;
    expect(questions.map(({ id }) => id)).toEqual(['rule "deploy"']);
    expect(theirs.changes.filter(({ widens }) => widens).map(({ kind }) => kind)).toContain("rule");
  });

  it("shows what a signature would make forgotten: a removal that the manifest no longer remembers", async () => {
    const { ana } = await makeTeam();
    await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
    const file = join(ana.vault, "manifest.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/removed:\n[^]*/, ""));
    const result = await sign(ana.context(), { ...ana.request(), dryRun: true, approve: () => false });
    const widening = result!.proposal.difference.changes.filter(({ widens }) => widens);
    expect(widening).toMatchObject([{ kind: "grant", subject: "agent:bot", text: expect.stringContaining("group g") }]);
  });
});

describe("a merge by an owner whom the other parent has removed", () => {
  it.each(["has never seen the vault and knows a remaining owner", "has seen a state before both"])("is refused by who %s", async (who) => {
    const team = await makeTeam();
    const { ana, ben, box } = team;
    await store(ben, "g/b", "by ben");
    await ben.sync();
    await ana.sync();
    await store(ana, "g/a", "by ana");
    const forged = new VaultState(ana.vault);
    await removeOwner(ben.context(), { ...ben.request(), owner: "eric" });
    ben.git("push", "--quiet");
    const owner = parseLock(new VaultState(ben.vault).read("vault.lock")!).owners[0]!.key;
    ana.git("fetch", "--quiet");
    const fresh = join(box.root, "fresh");
    box.gitIn(box.root, "clone", "--quiet", team.remote, fresh);
    const env = {
      HOME: join(box.root, "fresh-home"),
      AGENT_VAULT_OWNER: owner,
      AGENT_VAULT_KEY: readIdentity(box.agentKey("bot")).reveal(),
    };
    if (who.startsWith("has seen")) {
      box.gitIn(fresh, "reset", "--quiet", "--hard", "HEAD~1");
      expect((await box.process(["get", "h/other", "--no-pull"], { cwd: fresh, env })).code).toBe(0);
    }
    // ana takes both for parents and stays an owner.
    const [ours, theirs] = [
      parseLock(forged.read("vault.lock")!),
      parseLock(Buffer.from(ana.git("show", "origin/main:.agent-vault/vault.lock"))),
    ];
    const identity = readIdentity(box.ownerKey);
    const key = new SigningKey(identity, ours.vault);
    const parents = [ours, theirs].map((lock) => ({ digest: digestOf(formatLock(lock)), ancestry: Ancestry.NONE }));
    const states = Ancestry.parse(forged.read("vault.states"));
    const all = Ancestry.following([...parents, { digest: ours.previous[0]!, ancestry: states }]);
    writeFileSync(join(ana.vault, "vault.states"), all.toBytes());
    const bytesOf = () => new VaultState(ana.vault);
    const { added } = summarize(digestsIn(bytesOf().source));
    writeFileSync(join(ana.vault, "config.yaml"), bytesOf().config.withSignedFiles(added));
    const { files, trees } = summarize(digestsIn(bytesOf().source));
    const bytes = formatLock({ ...ours, sequence: 99, previous: parents.map(({ digest }) => digest), files, trees });
    writeFileSync(join(ana.vault, "vault.lock"), bytes);
    writeFileSync(join(ana.vault, "vault.lock.sig"), key.sign(bytes));
    ana.git("add", "--all");
    ana.git("commit", "--quiet", "--message", "Merge");
    ana.git("merge", "--quiet", "--strategy=ours", "--no-edit", "origin/main");
    ana.git("push", "--quiet");
    box.gitIn(fresh, "fetch", "--quiet");
    box.gitIn(fresh, "reset", "--quiet", "--hard", "origin/main");
    const outcome = await box.process(["get", "h/other"], { cwd: fresh, env });
    expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", ""]);
  });
});
