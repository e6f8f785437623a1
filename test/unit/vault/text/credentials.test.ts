import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { processContext, VaultError } from "#vault/index.js";
import { hideCredentials, withoutCredentials } from "#vault/text/credentials.js";

interface Fixture {
  readonly cases: readonly { readonly url: string; readonly without_credentials: string }[];
  readonly texts: readonly { readonly text: string; readonly hidden: string }[];
}

const { cases, texts } = JSON.parse(readFileSync("fixtures/remote-urls.json", "utf8")) as Fixture;

it.each(cases)("the remote $url is remembered as $without_credentials", ({ url, without_credentials: expected }) => {
  expect(withoutCredentials(url)).toBe(expected);
});

it.each(texts)("$text is shown as $hidden", ({ text, hidden }) => {
  expect(hideCredentials(text)).toBe(hidden);
});

it("errors and warnings hide what is in the wrong place", () => {
  const text = "https://user:password@host/x";
  expect(new VaultError("USAGE", text, { remedy: text })).toMatchObject({ message: "https://host/x", remedy: "https://host/x" });
  const warnings: string[] = [];
  processContext({ home: "/", warn: (message) => warnings.push(message) }).warn(text);
  expect(warnings).toEqual(["https://host/x"]);
});
