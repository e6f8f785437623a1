import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { addAgent, grant, set, VaultError, verify, type MergeReview } from "#vault/index.js";
import { readSecret } from "#vault/read-only.js";
import { VaultState } from "#vault/files/vault-state.js";
import { Ancestry } from "#vault/lock/ancestry.js";
import type { Digest } from "#vault/lock/digest.js";
import type { Sandbox } from "../support/sandbox.js";
import { Decisions, digestIn, type Decided } from "./decisions.js";
import { randomChange, SECRETS, type OwnerChange } from "./owner-changes.js";
import { Random } from "./random.js";
import { makeTeam, memberOf, type Member } from "./team.js";

/** What a change that does not fit the vault as it is may be refused with. */
const EXPECTED = ["ALREADY_EXISTS", "SECRET_NOT_FOUND", "GROUP_NOT_FOUND", "AGENT_NOT_FOUND", "INVALID_VALUE", "NOT_GRANTED"];
/** An agent may be left without access, and a secret without a group that one owner set while another deleted it. */
const HARMLESS = new Set(["agent-without-access", "secret-without-group", "empty-group"]);

/** ana, ben, and ana in her second clone. */
type Members = readonly [Member, Member, Member];
type Remotes = readonly [string, string];

/** Owners in clones of two remotes, an agent in one of its own, and what all of them must come to. */
export class World {
  readonly box: Sandbox;
  /** What was done, for when something is wrong. */
  readonly log: string[] = [];
  readonly #members: Members;
  readonly #agent: Member;
  readonly #remotes: Remotes;
  readonly #random: Random;
  readonly #decisions: Decisions;
  readonly #code: string[] = [];
  /** The ciphertexts of all values that were ever set. */
  readonly #blobs: string[] = [];
  /** The states that each home has made or taken over. */
  readonly #seen = new Map<string, Set<Digest>>();
  /** Members who are on a branch of their own. */
  readonly #branches = new Map<Member, string>();

  private constructor(seed: number, box: Sandbox, members: Members, agent: Member, remotes: Remotes) {
    this.#random = new Random(seed);
    this.box = box;
    this.#members = members;
    this.#agent = agent;
    this.#remotes = remotes;
    this.#decisions = new Decisions(members[0], ["agent bot", "agent dev", "owner eric", "owner ben", "bot g", "dev h"]);
  }

  /** ana with two clones, ben with one, and the agent bot with one; ana's second one goes between the two remotes. */
  static async make(seed: number): Promise<World> {
    const { box, ana, ben, remote } = await makeTeam();
    await addAgent(ana.context(), { ...ana.request(), agent: "dev", keyOut: join(box.root, "dev.key") });
    await grant(ana.context(), { ...ana.request(), agent: "dev", target: "h" });
    ana.git("push", "--quiet");
    ben.git("pull", "--quiet");
    const second = join(box.root, "second.git");
    box.gitIn(box.root, "clone", "--quiet", "--bare", remote, second);
    const clone = (name: string, home: string) => {
      box.gitIn(box.root, "clone", "--quiet", remote, name);
      return memberOf(box, name, join(box.root, name), home);
    };
    const agentHome = join(box.home, "agent", ".agent-vault");
    const key = join(agentHome, "agents", "bot.key");
    mkdirSync(dirname(key), { recursive: true, mode: 0o700 });
    copyFileSync(box.agentKey("bot"), key);
    if (seed % 3 === 0) (seed % 2 === 0 ? ana : ben).git("config", "pull.rebase", "true");
    return new World(seed, box, [ana, ben, clone("third", ana.home)], clone("agent", agentHome), [remote, second]);
  }

  /** One random thing that one of them does. @throws what the model does not allow */
  async step(): Promise<void> {
    const member = this.#random.of(this.#members);
    const change = async () => {
      for (const each of randomChange(member, this.#random)) await this.#change(member, each);
    };
    const others = [
      () => this.#commitCode(member),
      () => this.#branch(member),
      () => this.#revert(member),
      () => this.#push(member),
      () => this.#read(),
      () => this.#sync(member),
      () => this.#sync(member),
      () => this.#across(),
    ];
    await (this.#random.below(17) < 9 ? change() : this.#random.of(others)());
  }

  /** Everyone comes together, and what all of them have is what the model says. */
  async end(): Promise<void> {
    const [ana, ben, third] = this.#members;
    for (const member of this.#members) if (this.#branches.has(member)) await this.#branch(member);
    const locks = () => new Set(this.#members.map((member) => member.lock()));
    for (let round = 0; round < 3 && (round === 0 || locks().size > 1); round++) {
      for (const member of [ana, ben]) await this.#sync(member);
      await this.#across();
      for (const member of [third, ana, ben]) await this.#sync(member);
    }
    for (const member of this.#members) {
      equal(member.lock(), ana.lock());
      equal(member.git("status", "--porcelain"), "");
      const files = new Set(member.git("ls-files").split("\n"));
      deepEqual(
        this.#code.filter((file) => !files.has(file)),
        [],
      );
    }
    const { findings } = await verify(ana.context(), ana.vault, { strict: true });
    deepEqual(
      findings.filter(({ kind }) => !HARMLESS.has(kind)),
      [],
    );
    const state = new VaultState(ana.vault);
    this.#decisions.expectAccess(ana, state);
    for (const secret of state.secretPaths()) match(await ana.read(secret), /./);
    const folders = [...this.#remotes, ...this.#members.map(({ folder }) => folder)];
    const list = (folder: string) => this.box.gitIn(folder, "rev-list", "--objects", "--no-object-names", "--all").split("\n");
    const objects = new Set(folders.flatMap(list));
    deepEqual(
      this.#blobs.filter((blob) => !objects.has(blob)),
      [],
    );
  }

  /** Runs what a member does to the vault, and notes what its state knows then. @param allowed codes that are an answer as well */
  async #run(
    member: Member,
    what: string,
    work: () => Promise<unknown>,
    { allowed = [], decided = [] }: { readonly allowed?: readonly string[]; readonly decided?: readonly Decided[] } = {},
  ): Promise<boolean> {
    const before = digestIn(member);
    this.log.push(`${member.name}: ${what}`);
    let isDone = false;
    try {
      await work();
      isDone = true;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      this.log.push(`  ${error.code} ${error.message}`);
      if (!allowed.includes(error.code) && !(error.code === "ROLLBACK" && this.#isBehind(member))) throw error;
    }
    if (digestIn(member) !== before) this.#decisions.note(member, isDone ? decided : []);
    this.#seen.set(member.home, (this.#seen.get(member.home) ?? new Set()).add(digestIn(member)));
    return isDone;
  }

  /** Whether the machine knows of a state that the one in this clone does not follow: then nothing is made on top of it. */
  #isBehind(member: Member): boolean {
    const known = Ancestry.parse(readFileSync(join(member.vault, "vault.states")));
    return [...(this.#seen.get(member.home) ?? [])].some((digest) => digest !== digestIn(member) && !known.has(digest));
  }

  /** What only ana is refused with: her key was replaced by way of her other clone, and this one does not know that yet. */
  #ofTwoClones(member: Member): readonly string[] {
    return member === this.#members[1] ? [] : ["NOT_AUTHORIZED"];
  }

  /** Mostly without a look at the remote first, so that decisions are made apart. */
  async #change(member: Member, { what, run, decided }: OwnerChange): Promise<void> {
    const env = this.#random.below(4) === 0 ? this.box.env : { ...this.box.env, GIT_ALLOW_PROTOCOL: "none" };
    const allowed = [...EXPECTED, ...this.#ofTwoClones(member)];
    const isDone = await this.#run(member, what, () => run(member.context({ env })), { allowed, ...(decided && { decided }) });
    const path = /^set (.+)$/.exec(what)?.[1];
    if (isDone && path !== undefined) this.#blobs.push(member.git("rev-parse", `HEAD:.agent-vault/secrets/${path}.enc`).trim());
  }

  async #sync(member: Member, onto?: string): Promise<void> {
    if (this.#branches.has(member)) return;
    const review = async ({ questions, ours, theirs }: MergeReview) =>
      new Map(questions.map(({ id }) => [id, this.#random.of([ours, theirs]).digest]));
    const what = `sync${onto === undefined ? "" : ` --onto ${onto}`}`;
    await this.#run(member, what, () => member.sync({ review, onto }), { allowed: this.#ofTwoClones(member) });
  }

  async #commitCode(member: Member): Promise<void> {
    const file = `code-${this.#random.count()}.txt`;
    this.log.push(`${member.name}: code ${file}`);
    writeFileSync(join(member.folder, file), file);
    member.git("add", file);
    member.git("commit", "--quiet", "--message", file);
    this.#code.push(file);
  }

  /** Begins a branch, or brings it into main: with what main has, as a squash, a merge or a fast-forward. */
  async #branch(member: Member): Promise<void> {
    const branch = this.#branches.get(member);
    if (member === this.#members[2]) return;
    if (branch === undefined) {
      const name = `topic-${this.#random.count()}`;
      this.log.push(`${member.name}: switch to ${name}`);
      member.git("switch", "--quiet", "--create", name);
      this.#branches.set(member, name);
      return;
    }
    const how = this.#random.of([["--squash"], ["--no-ff", "--no-edit"], ["--ff-only"]]);
    this.log.push(`${member.name}: ${branch} into main ${how.join(" ")}`);
    member.git("push", "--quiet", "--set-upstream", "origin", branch);
    this.#branches.delete(member);
    await this.#sync(member, "main");
    member.git("switch", "--quiet", "main");
    member.git("merge", "--quiet", ...how, branch);
    if (member.git("status", "--porcelain") !== "") member.git("commit", "--quiet", "--message", `Squashed ${branch}`);
    await this.#sync(member);
  }

  /** A revert of a change that was just made is seen before anything is made on top of it, and goes the same way. */
  async #revert(member: Member): Promise<void> {
    const parents = member.git("rev-list", "--parents", "-1", "HEAD").trim().split(" ");
    const isOfVault = member.git("show", "--name-only", "--format=", "HEAD").includes("vault.lock");
    if (parents.length !== 2 || !isOfVault) return;
    this.log.push(`${member.name}: revert, set, revert`);
    member.git("revert", "--no-edit", "HEAD");
    const context = member.context({ env: { ...this.box.env, GIT_ALLOW_PROTOCOL: "none" } });
    const value = new TextEncoder().encode("on top of a revert");
    await rejects(set(context, { ...member.request(), path: "g/p", value }), ({ code }: VaultError) => {
      ok(["ROLLBACK", ...this.#ofTwoClones(member)].includes(code), code);
      return true;
    });
    member.git("revert", "--no-edit", "HEAD");
  }

  /** A plain push, which may be refused where others were faster. */
  async #push(member: Member): Promise<void> {
    this.log.push(`${member.name}: git push`);
    try {
      member.git("push", "--quiet", "origin", "HEAD");
    } catch {
      this.log.push("  refused");
    }
  }

  async #read(): Promise<void> {
    const path = this.#random.of(SECRETS);
    this.log.push(`agent: read ${path}`);
    try {
      await readSecret(this.#agent.context(), this.#agent.vault, path, {});
    } catch (error) {
      if (!(error instanceof VaultError) || !["NOT_AUTHORIZED", "SECRET_NOT_FOUND", "FILE_NOT_FOUND"].includes(error.code)) throw error;
    }
    if (this.#random.below(3) === 0) this.#agent.git("pull", "--quiet", "--ff-only");
  }

  /** ana's second clone takes what each remote has to the other. */
  async #across(): Promise<void> {
    const third = this.#members[2];
    for (const url of this.#remotes.toReversed()) {
      this.log.push(`third: goes to ${url}`);
      third.git("remote", "set-url", "origin", url);
      await this.#sync(third);
    }
  }
}
