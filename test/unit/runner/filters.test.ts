import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseTemplate } from "#runner/index.js";
import { parseSecretPath } from "#vault/index.js";
import { rounds } from "../../support/slow.js";

const SECRET = parseSecretPath("a/b");
const fill = (template: string, value: string | Uint8Array) =>
  Buffer.from(parseTemplate(Buffer.from(template), "t").filledWith(new Map([[SECRET, Buffer.from(value as string)]])));
const filter = (filters: string, value: string | Uint8Array) => fill(`{{ vault://a/b | ${filters} }}`, value).toString();
const code = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

/** Text with what other languages read as something else. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        "\n",
        "'",
        '"',
        "\\",
        "$(id)",
        "`",
        ": ",
        "#",
        "\u2028",
        "\u0085",
        "\u007f",
        "\ufeff",
        "\t",
        "é",
        "🔑",
        "- ",
        "|",
        "~",
      ),
    )
    .map((parts) => parts.join("")),
);
const RUNS = { numRuns: rounds(300, 20_000) };

describe("a filter of a template", () => {
  it("json and yaml write what their parsers read back", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(JSON.parse(filter("json", text))).toBe(text);
        expect(parse(`key: ${filter("yaml", text)}\nnext: 1\n`)).toEqual({ key: text, next: 1 });
      }),
      RUNS,
    );
  });

  it("shell writes one word, and base64 one line, of any bytes", () => {
    const bytes = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 40 }), 20).map((one) => Buffer.from(one.map((byte) => byte || 1)));
    const cases = [...bytes, Buffer.from('it\'s $(id) `id` "x" \\ \n'), Buffer.from("")];
    const script = cases.map((one) => fill("printf %s {{ vault://a/b | shell }} | base64 -w0; echo", one).toString("latin1")).join("\n");
    const read = execFileSync("sh", { input: Buffer.from(script, "latin1"), encoding: "utf8" })
      .split("\n")
      .slice(0, -1);
    expect(read).toEqual(cases.map((one) => one.toString("base64")));
    for (const one of cases) expect(filter("base64", one)).toBe(one.toString("base64"));
  });

  it("indent moves all lines but the first, and no empty one", () => {
    expect(fill("key: |\n  {{ vault://a/b | indent 2 }}\n", "one\n\n two\r\nthree\n").toString()).toBe(
      "key: |\n  one\n\n   two\r\n  three\n\n",
    );
    expect(parse(fill("key: |\n    {{ vault://a/b | indent 4 }}", "-----BEGIN\nabc\n-----END\n").toString())).toEqual({
      key: "-----BEGIN\nabc\n-----END\n",
    });
  });

  it("is followed by others", () => {
    expect(filter("base64 | json", "x")).toBe('"eA=="');
    expect(filter("json|base64", "x")).toBe(Buffer.from('"x"').toString("base64"));
  });

  it("that does not exist, or cannot write the value, is an error that says so", () => {
    for (const wrong of ["upper", "jsn", "json 2", "indent", "indent x", "indent 65", "", "json |", "toString", "__proto__"])
      expect(
        code(() => filter(wrong, "x")),
        wrong,
      ).toBe("INVALID_REFERENCE");
    expect(code(() => fill("{{ vault://a/b json }}", "x"))).toBe("INVALID_REFERENCE");
    for (const name of ["json", "yaml"]) expect(code(() => filter(name, Buffer.of(255)))).toBe("INVALID_VALUE");
    expect(code(() => filter("shell", "a\0b"))).toBe("INVALID_VALUE");
  });
});
