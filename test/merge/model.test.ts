import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deleteSecret, grant, revoke, set, verify } from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import { rounds, SLOW } from "../support/slow.js";
import { makeTeam, memberOf, type Member } from "./team.js";

const GROUPS = ["g", "h", "x"];
const AGENTS = ["bot", "dev"];
const SECRETS = ["g/p", "h/other", "x/s", "x/t"];
const STEPS = SLOW ? 14 : 9;

/** A grant or revoke, and all that were known where it was made. */
interface Decision {
  readonly kind: "grant" | "revoke";
  readonly pair: string;
  readonly seen: ReadonlySet<Decision>;
}

/** Those who were granted a group by a decision that knew of every revoke of it. */
function granted(decisions: Iterable<Decision>): Set<string> {
  const all = [...decisions];
  const holds = (made: Decision) =>
    all.every(({ kind, pair }, index) => kind === "grant" || pair !== made.pair || made.seen.has(all[index]!));
  return new Set(all.filter((made) => made.kind === "grant" && holds(made)).map(({ pair }) => pair));
}

/** Numbers that are the same for one seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const seeds = Array.from({ length: rounds(1, 50, "SEQUENCES") }, (_, index) => Number(process.env["SEED"] ?? 1) + index);

describe("owners who change, commit code and sync in any order", () => {
  it.each(seeds)("end in the access of the model, with every value, sequence %d", { timeout: 600_000 }, async (seed) => {
    const next = numbers(seed);
    const { box, ana, ben, remote } = await makeTeam();
    box.gitIn(box.root, "clone", "--quiet", remote, "clone-third");
    const members = [ana, ben, memberOf(box, "ana", join(box.root, "clone-third"), join(box.home, "third", ".agent-vault"))];
    await box.run("cp", ["-Rp", join(box.home, ".agent-vault"), join(box.home, "third-home")]);
    await box.run("mkdir", ["-p", join(box.home, "third")]);
    await box.run("mv", [join(box.home, "third-home"), join(box.home, "third", ".agent-vault")]);
    await box.addAgent("dev", "h");
    await ana.sync();
    for (const member of members) await member.sync();

    const start = ["bot g", "dev h"].map((pair): Decision => ({ kind: "grant", pair, seen: new Set() }));
    const known = new Map<Member, Set<Decision>>(members.map((member) => [member, new Set(start)]));
    let published = new Set(start);
    const code: string[] = [];
    const blobs: string[] = [];
    const decide = (member: Member, kind: Decision["kind"], pair: string) =>
      known.set(member, new Set([...known.get(member)!, { kind, pair, seen: new Set(known.get(member)) }]));
    const sync = async (member: Member) => {
      await member.sync({ side: next(2) === 0 ? "ours" : "theirs" });
      published = new Set([...published, ...known.get(member)!]);
      known.set(member, new Set(published));
    };

    for (let step = 0; step < STEPS; step++) {
      const member = members[next(members.length)]!;
      const request = { ...member.request() };
      const manifest = new VaultState(member.vault).manifest;
      const [agent, group, path] = [AGENTS[next(2)]!, GROUPS[next(3)]!, SECRETS[next(4)]!];
      const pair = `${agent} ${group}`;
      // Nobody is asked first what the remote has: all decisions are made apart.
      const context = member.context({ env: { ...box.env, GIT_ALLOW_PROTOCOL: "none" } });
      switch (next(6)) {
        case 0:
        case 1:
          await set(context, { ...request, path, value: new TextEncoder().encode(`${path} ${seed} ${step}`) });
          blobs.push(member.git("rev-parse", `HEAD:.agent-vault/secrets/${path}.enc`).trim());
          break;
        case 2:
          if (manifest.agents.get(agent)!.has(group)) await revoke(context, { ...request, agent, target: group });
          else if (manifest.groups.has(group)) await grant(context, { ...request, agent, target: group });
          else break;
          decide(member, manifest.agents.get(agent)!.has(group) ? "revoke" : "grant", pair);
          break;
        case 3:
          if (new VaultState(member.vault).hasSecret(path as never) && next(2) === 0) await deleteSecret(context, { ...request, path });
          break;
        case 4: {
          const file = `code-${step}.txt`;
          writeFileSync(join(member.folder, file), `${step}\n`);
          member.git("add", file);
          member.git("commit", "--quiet", "--message", file);
          code.push(file);
          break;
        }
        default:
          await sync(member);
      }
    }
    for (const member of [...members, ...members]) await sync(member);

    const state = new VaultState(ana.vault);
    for (const member of members) {
      expect(member.lock()).toBe(ana.lock());
      expect(member.git("status", "--porcelain")).toBe("");
      expect(code.every((file) => member.git("ls-files", file).trim() === file)).toBe(true);
      const { findings } = await verify(member.context(), member.vault, { strict: true });
      // An agent may be left without access; and a secret without a group, that one owner set while another deleted it.
      expect(findings.filter(({ kind }) => !["agent-without-access", "secret-without-group"].includes(kind))).toEqual([]);
    }
    const holds = [...state.manifest.agents].flatMap(([agent, groups]) => [...groups].map((group) => `${agent} ${group}`));
    expect(holds.toSorted()).toEqual([...granted(published)].toSorted());
    for (const path of state.secretPaths()) expect(await ana.read(path)).toMatch(/./);
    const objects = new Set(box.gitIn(remote, "rev-list", "--objects", "--all").split(/\s/));
    expect(blobs.filter((blob) => !objects.has(blob))).toEqual([]);
  });
});
