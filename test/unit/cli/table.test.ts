import process from "node:process";
import stringWidth from "string-width";
import { afterEach, describe, expect, it } from "vitest";
import { table } from "#cli/terminal/table.js";

const columns = process.stdout.columns;

afterEach(() => {
  process.stdout.columns = columns;
});

describe("a table", () => {
  it("aligns columns by what a terminal shows, whatever the script", () => {
    process.stdout.columns = 80;
    const lines = table(
      ["NAME", "NOTE"],
      [
        ["決済", "x"],
        ["👩‍👩‍👧", "x"],
        ["été", "x"],
        ["plain", "x"],
      ],
      "none",
    );
    const starts = lines.map((line) => stringWidth(line.slice(0, Math.max(line.lastIndexOf("x"), line.lastIndexOf("NOTE")))));
    expect(new Set(starts)).toEqual(new Set([7]));
  });

  it("cuts the widest column between characters so that every line fits", () => {
    process.stdout.columns = 24;
    for (const text of ["決済".repeat(20), "👩‍👩‍👧".repeat(20), "a".repeat(60)]) {
      const [, line] = table(["NAME", "NOTE"], [[text, "note"]], "none");
      expect(stringWidth(line!)).toBeLessThanOrEqual(24);
      expect(stringWidth(line!)).toBeGreaterThanOrEqual(23);
      expect(line).toMatch(/^(.+)…\s+note$/u);
      expect(text.startsWith(line!.slice(0, line!.indexOf("…")))).toBe(true);
    }
  });

  it("is one sentence without rows", () => {
    expect(table(["NAME"], [], "No names.")).toEqual(["No names."]);
  });
});
