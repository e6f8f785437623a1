import { expect, it } from "vitest";
import { examples } from "../../support/examples.js";
import { parseEnvFile, parsePolicy } from "#runner/index.js";
import { parseProfiles } from "#runner/profiles/parse-profiles.js";

it("the pages' policies can be read", () => {
  const policies = examples("policy.md", "yaml").map((text) => (text.startsWith("version:") ? text : `version: 1\nrules:\n${text}`));
  const rules = policies.map((text) => parsePolicy(new TextEncoder().encode(text), "policy.md").rules.length);
  expect(rules).toEqual([1, 1, 2, 1, 2]);
});

it("the page's profiles and variables can be read", () => {
  expect(examples("profiles.md", "toml").flatMap((text) => [...parseProfiles(text, "profiles.md").keys()])).toEqual(["deploy", "jira"]);
  const entries = examples("inject.md", "sh").flatMap((text) => parseEnvFile(text, "inject.md"));
  expect(entries.map(({ name, value }) => [name, value])).toEqual([
    ["STAGE", ["test"]],
    ["STRIPE_KEY", [{ secret: "stripe/api-key" }]],
    ["DATABASE_URL", ["postgres://shop:", { secret: "db/password" }, "@localhost/shop"]],
    ["BANNER", ['verbatim: \\n $HOME "#"']],
  ]);
});
