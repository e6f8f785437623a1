import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineDifference } from "#vault/difference/line-difference.js";

const bytes = (lines: readonly string[]) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
const difference = (before: readonly string[], after: readonly string[]) => lineDifference("x", bytes(before), bytes(after));

/** What `patch` makes of the old lines. */
function applied(before: readonly string[], lines: readonly string[]): string[] {
  const result: string[] = [];
  let next = 0;
  for (const line of lines) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? /.exec(line);
    if (hunk) {
      const start = Number(hunk[1]) - (hunk[2] === "0" ? 0 : 1);
      result.push(...before.slice(next, start));
      next = start;
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      expect(line.slice(1)).toBe(before[next++]);
      if (line.startsWith(" ")) result.push(line.slice(1));
    }
  }
  return [...result, ...before.slice(next)];
}

describe("the lines of a file", () => {
  it("lead from one to the other", () => {
    const file = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });
    fc.assert(
      fc.property(file, file, (before, after) => {
        const { lines, omitted } = difference(before, after);
        expect([applied(before, lines), omitted]).toEqual([after, 0]);
      }),
    );
  });

  it("are as few as there are changes, with three around them", () => {
    const before = Array.from({ length: 5000 }, (_, index) => `line ${index}`);
    const after = before.with(10, "x").toSpliced(4000, 1);
    expect(difference(before, after).lines).toEqual([
      "@@ -8,7 +8,7 @@",
      " line 7",
      " line 8",
      " line 9",
      "-line 10",
      "+x",
      " line 11",
      " line 12",
      " line 13",
      "@@ -3998,7 +3998,6 @@",
      " line 3997",
      " line 3998",
      " line 3999",
      "-line 4000",
      " line 4001",
      " line 4002",
      " line 4003",
    ]);
  });

  it("end after 200, and say how many more there are", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => `line ${index}`);
    const other = many.map((line) => `other ${line}`);
    const { lines, omitted } = difference(many, other);
    expect([lines.length, omitted]).toEqual([200, 200_001 - 200]);
  });

  it("tell a missing end of line, and say of what is no text that it is none", () => {
    const encode = (text: string) => new TextEncoder().encode(text);
    expect(lineDifference("x", encode("a\n"), encode("a")).lines).toEqual(["@@ -1 +1 @@", "-a", "+a", "\\ No newline at end of file"]);
    expect(lineDifference("x", undefined, encode("a\n")).lines).toEqual(["@@ -0,0 +1 @@", "+a"]);
    expect(lineDifference("x", encode("a\n"), undefined).lines).toEqual(["@@ -1 +0,0 @@", "-a"]);
    expect(lineDifference("x", undefined, Uint8Array.of(0xff)).lines).toEqual(["(not text)"]);
  });
});
