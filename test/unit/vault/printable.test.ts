import { describe, expect, it } from "vitest";
import { printable, printableJson } from "#vault/text/printable.js";

describe("text for a terminal", () => {
  it.each([
    ["a colour", "\u001B[31mred\u001B[0m", "\\u001b[31mred\\u001b[0m"],
    ["a title, in eight bits", "\u009D0;x\u0007", "\\u009d0;x\\u0007"],
    ["a line of its own", "a\r\nerror: b", "a\\u000d\\u000aerror: b"],
    ["an order of its own", "a\u202Etxt.exe\u2066b\u2069", "a\\u202etxt.exe\\u2066b\\u2069"],
    ["nothing to be seen", "a\u200B\uFEFF\u{E0041}", "a\\u200b\\ufeff\\udb40\\udc41"],
    ["a letter that is none", "a\u2060\u3164\u180E\uFFF9b", "a\\u2060\\u3164\\u180e\\ufff9b"],
  ])("shows %s as what it is", (_, text, shown) => expect(printable(text)).toBe(shown));

  it.each(["", "stripe/api-key", "Schlüssel für Zürich", "مفتاح", "👩‍💻 🔑", "☎️", "a\tb", "C:\\keys"])("leaves %j as it is", (text) =>
    expect(printable(text)).toBe(text),
  );

  it("means the same as JSON", () => {
    const value = { "a\u202E": ["\u001B[0m\n", "\u009B", "\u{E0041}", "ü"] };
    const shown = printableJson(JSON.stringify(value, null, 2));
    expect(JSON.parse(shown)).toEqual(value);
    expect(shown).toMatch(/^[\n -~ü]*$/);
  });
});
