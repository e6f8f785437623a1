import { join } from "node:path";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { makeVault } from "../../support/vault.js";
import { prepared } from "../../support/sandbox.js";
import { examples } from "../../support/examples.js";
import { outputOf } from "./agents-machine.js";

const documented = prepared((box) =>
  makeVault(
    box,
    { "stripe/api-key": "sk_documented", "db/url": "postgres://localhost/shop", "payroll/password": "not the agent's" },
    { "billing-agent": ["stripe", "db"] },
  ),
);

it("the page's examples run as they stand", async () => {
  const box = await documented();
  const url = pathToFileURL(box.addRemote()).href;
  const env = { BILLING_AGENT_KEY: readFileSync(box.agentKey("billing-agent"), "utf8") };
  const atHome = (text: string) => text.replace("https://github.com/acme/secrets.git", url);
  const modules = examples("node.md", "js").map(atHome);
  const run = async (text: string, name: string) => (await outputOf(box, text, env, join(box.root, name))).trimEnd();
  const outputs = await Promise.all(modules.map((text, index) => run(text, `example-${index}.mjs`)));
  expect(outputs).toEqual([
    "13 13",
    "[ 'stripe/api-key', 'db/url' ]\n25",
    "13",
    "13",
    expect.stringMatching(/^Ask the owner for it: Ask an owner for access/),
  ]);
  expect(await Promise.all(examples("node.md", "cjs").map((text, index) => run(text, `example-${index}.cjs`)))).toEqual(["13"]);
});
