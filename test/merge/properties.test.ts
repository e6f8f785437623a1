import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rounds } from "../support/slow.js";
import { mergeModels, ModelVault } from "./model-vault.js";

const AGENTS = ["bot", "dev"];
const GROUPS = ["g", "h"];
const SECRETS = ["g/a", "g/b", "h/c"];

/** One change of an owner, left out where the state does not allow it. */
type Change = readonly [kind: "set" | "delete" | "grant" | "revoke" | "list" | "unlist" | "agent" | "owner", first: number, second: number];

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom("set", "delete", "grant", "revoke", "grant", "revoke", "list", "unlist", "agent", "owner"),
  fc.nat(5),
  fc.nat(5),
);
const changes = fc.array(change, { maxLength: 5 });

function apply(vault: ModelVault, [kind, first, second]: Change): ModelVault {
  const { manifest } = vault.state;
  const agent = AGENTS[first % AGENTS.length]!;
  const path = SECRETS[first % SECRETS.length]!;
  const group = GROUPS[second % GROUPS.length]!;
  const target = second < 3 ? GROUPS[second % GROUPS.length]! : SECRETS[second % SECRETS.length]!;
  const isThere = vault.secrets().includes(path);
  switch (kind) {
    case "set":
      return vault.set(path, `value ${vault.source.next()}`);
    case "delete":
      return isThere ? vault.delete(path) : vault;
    case "list":
      return isThere ? vault.list(path, group) : vault;
    case "unlist":
      return manifest.groups.get(group)?.has(path as never) ? vault.unlist(path, group) : vault;
    case "grant":
      return manifest.agents.has(agent) && (!target.includes("/") || vault.secrets().includes(target)) ? vault.grant(agent, target) : vault;
    case "revoke":
      return manifest.agents.has(agent) ? vault.revoke(agent, target) : vault;
    case "agent":
      return manifest.agents.has(agent) ? vault.removeAgent(agent) : vault.addAgent(agent);
    case "owner":
      return vault.signers.some(({ name }) => name === "cem") ? vault.removeOwner("cem") : vault.addOwner("cem");
  }
}

const after = (vault: ModelVault, list: readonly Change[]) => list.reduce(apply, vault);

const first = (() => {
  let vault = ModelVault.create("ana");
  for (const path of SECRETS) vault = vault.set(path, `first ${path}`);
  for (const agent of AGENTS) vault = vault.addAgent(agent);
  return vault.grant("bot", "g").grant("dev", "h").grant("dev", "g/a");
})();

/** The same vault for each run, with the same random numbers to come. */
const start = () => first.again();

/** Two states as one; one that follows the other is taken as it is. */
function join(ours: ModelVault, theirs: ModelVault): ModelVault {
  if (ours === theirs || ours.behind().has(theirs)) return ours;
  return theirs.behind().has(ours) ? theirs : mergeModels(ours, theirs, "first").state;
}

/** Who can read what: owners, agents, and each secret with its readers. */
function accessOf(vault: ModelVault): unknown {
  return [
    vault.signers.map(({ name }) => name).toSorted(),
    [...vault.state.manifest.agents.keys()].toSorted(),
    vault.secrets().map((path) => [path, vault.readers(path)]),
  ];
}

/** Nobody opens a file who is no reader of it: neither by its stanzas, nor by a file key of a file that they could open. */
function expectOnlyReaders(vault: ModelVault): void {
  const known = new Map<string, Set<string>>();
  for (const state of [vault, ...vault.behind()]) {
    for (const path of state.secrets()) {
      const { fileKey, to } = state.ciphertext(path);
      known.set(fileKey, new Set([...(known.get(fileKey) ?? []), ...to]));
    }
  }
  for (const path of vault.secrets()) {
    const readers = vault.state.recipientsOf(path as never).map(({ text }) => text);
    expect(vault.ciphertext(path).to.toSorted()).toEqual(readers.toSorted());
    expect([...known.get(vault.ciphertext(path).fileKey)!].toSorted()).toEqual(readers.toSorted());
  }
}

describe("the merge of any changes", () => {
  it("is the same no matter who merges, and gives a file to its readers alone", () => {
    fc.assert(
      fc.property(changes, changes, (one, other) => {
        const vault = start();
        const [ours, theirs] = [after(vault, one), after(vault, other)];
        if (ours === theirs || ours.behind().has(theirs) || theirs.behind().has(ours)) return;
        const [a, b] = [mergeModels(ours, theirs, "first"), mergeModels(theirs, ours, "first")];
        expect(b.merged.questions).toEqual(a.merged.questions);
        expect(accessOf(b.state)).toEqual(accessOf(a.state));
        if (a.merged.encryptions.length + a.merged.kept.length === 0) expect([...b.state.files]).toEqual([...a.state.files]);
        expectOnlyReaders(a.state);
      }),
      { numRuns: rounds(15, 1000, "MERGES") },
    );
  });

  it("ends in the same access where a secret is deleted, set and listed apart", () => {
    const vault = start();
    const [a, b, c] = [after(vault, [["delete", 1, 0]]), after(vault, [["set", 1, 0]]), after(vault, [["list", 4, 1]])];
    for (const result of [join(a, join(b, c)), join(join(a, c), b)]) expect(accessOf(result)).toEqual(accessOf(join(join(a, b), c)));
  });

  it("gives a file to its readers alone where an agent is removed, and an owner added twice, apart", () => {
    const vault = start();
    const [a, b, c] = [
      after(vault, [["agent", 0, 0]]),
      after(vault, [["owner", 0, 0]]),
      after(vault, [
        ["owner", 0, 0],
        ["grant", 0, 1],
      ]),
    ];
    for (const result of [join(join(a, b), c), join(a, join(b, c)), join(join(a, c), b)]) expectOnlyReaders(result);
  });

  it("ends in the same access in whatever order three states are merged", () => {
    fc.assert(
      fc.property(changes, changes, changes, (first, second, third) => {
        const vault = start();
        const [a, b, c] = [after(vault, first), after(vault, second), after(vault, third)];
        const results = [join(join(a, b), c), join(a, join(b, c)), join(join(a, c), b)];
        for (const result of results) {
          expectOnlyReaders(result);
          expect(accessOf(result)).toEqual(accessOf(results[0]!));
        }
      }),
      { numRuns: rounds(8, 1000, "MERGES") },
    );
  });

  it("in the same access whether a state is merged before or after more was changed on top of it", () => {
    fc.assert(
      fc.property(changes, changes, changes, (first, more, second) => {
        // What the test below has.
        fc.pre(!(first.some(([kind]) => kind === "unlist") && second.some(([kind]) => kind === "delete")));
        const vault = start();
        const [a, b] = [after(vault, first), after(vault, second)];
        const later = after(a, more);
        const results = [join(later, b), join(join(a, b), later)];
        expect(accessOf(results[1]!)).toEqual(accessOf(results[0]!));
        for (const result of results) expectOnlyReaders(result);
      }),
      { numRuns: rounds(8, 1000, "MERGES") },
    );
  });

  // Listed again on one side after it was taken out there, and deleted and made again on the other: it may end in no group, or in that one.
  it.fails("in the same access where a secret is taken out of its group, and listed again, while another makes it again", () => {
    const vault = start();
    const a = after(vault, [["unlist", 0, 0]]);
    const later = after(a, [["set", 0, 0]]);
    const b = after(vault, [
      ["delete", 0, 0],
      ["set", 0, 0],
    ]);
    expect(accessOf(join(join(a, b), later))).toEqual(accessOf(join(later, b)));
  });

  it("and of the merges again, by owners who have merged apart, in the same access as well", () => {
    fc.assert(
      fc.property(changes, changes, changes, changes, (first, second, third, fourth) => {
        const vault = start();
        const [a, b] = [after(vault, first), after(vault, second)];
        const [ours, theirs] = [after(join(a, b), third), after(join(b, a), fourth)];
        const results = [join(ours, theirs), join(theirs, ours)];
        expect(accessOf(results[1]!)).toEqual(accessOf(results[0]!));
        for (const result of results) expectOnlyReaders(result);
      }),
      { numRuns: rounds(8, 1000, "MERGES") },
    );
  });
});
