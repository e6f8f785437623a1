import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseEnvFile, parsePolicy } from "../../../packages/runner/dist/index.js";
import { parseProfiles } from "../../../packages/runner/dist/profiles/parse-profiles.js";

/** The examples in one language of a page. */
function examples(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../../../docs", page), "utf8");
  return Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm")), ([, example]) => example!);
}

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
    ["BANNER", ['as it stands: \\n $HOME "#"']],
  ]);
});
