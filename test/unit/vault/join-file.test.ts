import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import { formatJoinedStates, joinLocks, parseJoinedStates } from "#vault/lock/joined-lock.js";
import { formatLock, parseLock } from "#vault/lock/lock.js";
import { formatSshPublicKey } from "#vault/lock/ssh-signature.js";
import { openLock, vaultIdIn } from "#vault/lock/open-lock.js";
import { joinFile } from "#vault/merge/join-file.js";
import { mergeDriver } from "#hooks/hook-script.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (joined: Uint8Array | undefined) => new TextDecoder().decode(joined);

/** Locks of three states of one vault. */
function locks() {
  const owners = [{ name: "ana", key: formatSshPublicKey(new Uint8Array(32).fill(9)) }];
  const none = new Map<string, never>();
  const rest = { vault: VAULT, signedAt: new Date(0), validUntil: undefined, previous: [], owners, files: none, trees: none, audit: none };
  const [base, ours, theirs] = [1, 2, 3].map((sequence) => formatLock({ ...rest, sequence }));
  return { base: base!, ours: ours!, theirs: theirs! };
}

const VAULT = "0f0e0d0c-0000-4000-8000-000000000000";

describe("what stands in vault.lock until a merge is signed", () => {
  it("names the states that came together, and is read as it was written", () => {
    const digest = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((seed): Digest => digestOf(seed));
    const states = fc.uniqueArray(digest, { minLength: 1, maxLength: 9 }).map((list) => list.toSorted());
    const picks = fc.array(fc.record({ to: digest, from: digest }), { maxLength: 4 });
    fc.assert(
      fc.property(states, picks, (joined, picked) => {
        const what = { vault: VAULT, states: joined, picks: picked };
        expect(parseJoinedStates(formatJoinedStates(what))).toEqual(what);
      }),
    );
  });

  it("is no lock, is none of both sides', and is the same no matter who merges", () => {
    const sides = locks();
    const joined = joinFile("vault.lock", sides, false)!;
    expect(parseJoinedStates(joined)!.states).toEqual([digestOf(sides.ours), digestOf(sides.theirs)].toSorted());
    expect(joinFile("vault.lock", { ...sides, ours: sides.theirs, theirs: sides.ours }, false)).toEqual(joined);
    expect(() => parseLock(joined)).toThrow(expect.objectContaining({ code: "BAD_SIGNATURE" }));
    expect(() => openLock(joined, bytes(""))).toThrow(expect.objectContaining({ code: "BAD_SIGNATURE" }));
    expect(parseJoinedStates(sides.ours)).toBeUndefined();
    expect(vaultIdIn({ read: () => joined })).toBe(VAULT);
    // A further merge adds what it brings.
    const again = parseJoinedStates(joinFile("vault.lock", { base: sides.ours, ours: joined, theirs: sides.base }, false))!;
    expect(again.states).toHaveLength(3);
  });

  it("is what was picked on top of ours, a range as one change; and nothing for another vault", () => {
    const { base, ours, theirs } = locks();
    const first = joinLocks({ base, ours, theirs }, true)!;
    expect(first).toMatchObject({ states: [digestOf(ours)], picks: [{ to: digestOf(theirs), from: digestOf(base) }] });
    const second = joinLocks({ base: theirs, ours: formatJoinedStates(first), theirs: ours }, true)!;
    expect(second.picks).toEqual([{ to: digestOf(ours), from: digestOf(base) }]);
    const other = bytes(text(theirs).replace("0f0e", "1f0e"));
    expect(joinFile("vault.lock", { base, ours, theirs: other }, false)).toBeUndefined();
  });
});

describe("a file that git merges", () => {
  it("says what both sides say, without conflict markers", () => {
    const manifest = (agents: string) => bytes(`version: 1\n# people\nagents:\n${agents}groups: []\n`);
    const agent = (name: string, ...groups: string[]) => `- name: ${name}\n  groups:\n${groups.map((group) => `  - ${group}\n`).join("")}`;
    const joined = joinFile(
      "manifest.yaml",
      {
        base: manifest(agent("bot", "a", "gone") + agent("left", "a")),
        ours: manifest(agent("bot", "a", "b", "gone")),
        theirs: manifest(agent("bot", "a", "c") + agent("left", "a") + agent("dev", "a")),
      },
      false,
    );
    expect(text(joined)).toBe(text(manifest(agent("bot", "a", "b", "c") + agent("dev", "a"))));
    const config = (digest: string) => bytes(`version: 1\nsigned_files:\n  vault.states: ${digest}\n`);
    expect(text(joinFile("config.yaml", { base: config("0"), ours: config("1"), theirs: config("2") }, false))).toBe(text(config("1")));
    expect(text(joinFile("policy.yaml", { base: bytes("a: ["), ours: bytes("a: ["), theirs: bytes("b: 1") }, false))).toBe("a: [");
    expect(joinFile("notes.txt", { base: bytes("a"), ours: bytes("b"), theirs: bytes("c") }, false)).toBeUndefined();
  });

  it("is ours where it is a ciphertext or a key, and the registered line says so without a program", () => {
    const sides = { base: bytes("0"), ours: bytes("1"), theirs: bytes("2") };
    const kept = [
      "secrets/g/p.enc",
      "agents/bot/private.key.escrow",
      "vault.lock.sig",
      "owner.pub",
      "owners/ben.pub",
      "agents/bot/public.key",
    ];
    const patterns = /^case %P in \((.+?)\) exit 0 ;; esac; /.exec(mergeDriver())![1]!;
    for (const file of kept) {
      expect([file, joinFile(file, sides, false)]).toEqual([file, sides.ours]);
      const isKept = patterns.split("|").some((pattern) => matches(pattern, `.agent-vault/${file}`));
      expect([file, isKept]).toEqual([file, true]);
    }
    for (const file of ["secrets/g/p.meta", "vault.lock", "manifest.yaml", "vault.states"])
      expect([file, patterns.split("|").some((pattern) => matches(pattern, `api/.agent-vault/${file}`))]).toEqual([file, false]);
    for (const file of ["src/a.enc", "key.pub"]) expect(patterns.split("|").some((pattern) => matches(pattern, file))).toBe(false);
  });
});

/** A shell's pattern, of which only `*` is used. */
function matches(pattern: string, path: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(path);
}
