import { expect, it } from "vitest";
import { andMore, plural } from "#vault/text/counts.js";
import { shellQuote, shellWord } from "#vault/text/shell-word.js";
import { decodeUtf8, decodeUtf8File } from "#vault/text/utf8.js";

it("counts things in the singular and the plural", () => {
  expect([0, 1, 2].map((count) => plural(count, "secret"))).toEqual(["0 secrets", "1 secret", "2 secrets"]);
});

it("names the first of many and counts the others", () => {
  expect(andMore(["a", "b"], 2)).toBe("a, b");
  expect(andMore(["a", "b", "c", "d"], 2)).toBe("a, b and 2 more");
});

it("decodes UTF-8 without replacing or dropping anything", () => {
  const marked = Buffer.from("\uFEFFzü");
  expect(decodeUtf8(marked)).toBe("\uFEFFzü");
  expect(decodeUtf8File(marked)).toBe("zü");
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
});

it("quotes a word for a shell where it needs it, and always where that is asked", () => {
  expect([shellWord("a/b.c"), shellWord("it's"), shellWord("")]).toEqual(["a/b.c", String.raw`'it'\''s'`, "''"]);
  expect(shellQuote("a")).toBe("'a'");
});
