import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { hideCredentials, withoutCredentials } from "#vault/git/remote-url.js";

interface Case {
  readonly url: string;
  readonly without_credentials: string;
}

const { cases } = JSON.parse(readFileSync("fixtures/remote-urls.json", "utf8")) as { cases: Case[] };

it.each(cases)("the remote $url is remembered as $without_credentials", ({ url, without_credentials: expected }) => {
  expect(withoutCredentials(url)).toBe(expected);
});

it("no part of a password stays in what git says of a remote", () => {
  const said = "unable to access 'https://user:p@ss@localhost:1/x@y.git/': Failed to connect, mail a@b for help";
  expect(hideCredentials(said)).toBe("unable to access 'https://localhost:1/x@y.git/': Failed to connect, mail a@b for help");
});
