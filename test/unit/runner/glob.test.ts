import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesSegment, matchesSegments } from "#runner/policy/glob.js";
import { rounds } from "../../support/slow.js";

/** What patterns mean, said as plainly as possible. */
function means<T>(pattern: readonly T[], items: readonly T[], run: T, fits: (one: T, item: T) => boolean): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return items.length === 0;
  if (first === run) return items.some((_, index) => means(rest, items.slice(index), run, fits)) || means(rest, [], run, fits);
  return items.length > 0 && fits(first, items[0]!) && means(rest, items.slice(1), run, fits);
}

const naivePart = (pattern: string, part: string) => means(pattern.split(""), part.split(""), "*", (a, b) => a === b);
const part = (letters: string) => fc.string({ unit: fc.constantFrom(...letters.split("")), minLength: 1, maxLength: 6 });
const RUNS = { numRuns: rounds(3000, 200_000) };

describe("a pattern", () => {
  it("fits a part as its meaning says", () => {
    fc.assert(
      fc.property(part("ab*"), part("ab"), (pattern, text) => {
        expect(matchesSegment(pattern, text)).toBe(naivePart(pattern, text));
      }),
      RUNS,
    );
  });

  it("fits parts as its meaning says", () => {
    const pattern = fc.array(
      fc.oneof(
        fc.constantFrom("**", "*"),
        part("ab*").filter((text) => text !== "**"),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(pattern, fc.array(part("ab"), { maxLength: 6 }), (parts, items) => {
        expect(matchesSegments(parts, items)).toBe(means(parts, items, "**", naivePart));
      }),
      RUNS,
    );
  });

  it("takes no longer than its length times the name's, whatever they are", () => {
    expect(matchesSegment("*a".repeat(250), `${"a".repeat(20_000)}b`)).toBe(false);
    const parts = Array.from({ length: 250 }, (_, index) => (index % 2 === 0 ? "**" : "*a*"));
    expect(
      matchesSegments(
        [...parts, "c"],
        Array.from({ length: 5000 }, () => "ab"),
      ),
    ).toBe(false);
  });
});
