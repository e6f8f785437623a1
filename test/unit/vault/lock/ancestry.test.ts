import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VaultError } from "#vault/index.js";
import { Ancestry, type StateInHistory } from "#vault/lock/ancestry.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";

const digests = fc.uniqueArray(
  fc.nat().map((number) => digestOf(String(number))),
  { maxLength: 40 },
);
const text = (ancestry: Ancestry) => Buffer.from(ancestry.toBytes()).toString();
const lines = (states: readonly Digest[]) =>
  states
    .map((digest) => `${digest.slice(7, 39)}\n`)
    .toSorted()
    .join("");

/** A chain of states, each behind the next. */
function chain(states: readonly Digest[]): Ancestry {
  let last: StateInHistory | undefined;
  for (const digest of states) last = { digest, ancestry: Ancestry.following(last ? [last] : []) };
  return Ancestry.following(last ? [last] : []);
}

function refused(bytes: string): string | undefined {
  try {
    Ancestry.parse(Buffer.from(bytes));
    return undefined;
  } catch (error) {
    return error instanceof VaultError ? error.code : String(error);
  }
}

describe("a state's ancestry", () => {
  it("lists each state behind it once, by the first half of its digest, sorted", () => {
    fc.assert(
      fc.property(digests, (states) => {
        const ancestry = chain(states);
        expect(text(ancestry)).toBe(lines(states));
        expect(ancestry.size).toBe(states.length);
      }),
    );
  });

  it("has what it lists and nothing else, also when it was read from its bytes", () => {
    fc.assert(
      fc.property(digests, digests, (states, others) => {
        const made = chain(states);
        const read = Ancestry.parse(states.length === 0 ? undefined : made.toBytes());
        for (const digest of states) expect(read.has(digest)).toBe(true);
        for (const digest of others) expect(read.has(digest)).toBe(states.includes(digest));
      }),
    );
  });

  it("of a merge is all that is behind either side, and both sides", () => {
    fc.assert(
      fc.property(digests, digests, (ours, theirs) => {
        const [a, b] = [digestOf("ours"), digestOf("theirs")];
        const merged = Ancestry.following([
          { digest: a, ancestry: chain(ours) },
          { digest: b, ancestry: chain(theirs) },
        ]);
        expect(text(merged)).toBe(lines([...new Set([...ours, ...theirs, a, b])]));
      }),
    );
  });

  const [first, second] = [digestOf("1"), digestOf("2")].toSorted() as [Digest, Digest];
  const both = lines([first, second]);
  it.each<[string, string]>([
    ["nothing", ""],
    ["another order", lines([second]) + lines([first])],
    ["a state twice", lines([first]) + both],
    ["whole digests", `${first.slice(7)}\n`],
    ["capitals", both.toUpperCase()],
    ["line ends of Windows", both.replaceAll("\n", "\r\n")],
    ["no last line end", both.trimEnd()],
    ["an empty line", `${both}\n`],
  ])("of %s is refused", (_, bytes) => {
    expect(refused(both)).toBeUndefined();
    expect(refused(bytes)).toBe("BAD_SIGNATURE");
  });

  it("of ten thousand states is read and asked in no time", () => {
    const states = Array.from({ length: 10_000 }, (_, index) => digestOf(String(index)));
    const bytes = Buffer.from(lines(states));
    const before = process.cpuUsage();
    const ancestry = Ancestry.parse(bytes);
    for (const digest of states.slice(0, 100)) expect(ancestry.has(digest)).toBe(true);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(500);
  });
});
