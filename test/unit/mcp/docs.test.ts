import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { installIn, type ClientName } from "#mcp/install/index.js";
import { processContext } from "#vault/index.js";

const page = readFileSync(join(import.meta.dirname, "../../../docs/mcp.md"), "utf8");
const examples = Array.from(page.matchAll(/^```(?:json|toml)\n([^]*?)^```$/gm), ([, example]) => example!);

it("the page shows the configuration that is written", () => {
  const context = processContext({ env: { HOME: "/nowhere" } });
  const written = (client: ClientName) =>
    installIn(context, {
      client,
      name: "agent-vault",
      command: "agent-vault",
      args: ["mcp", "-C", "/home/you/shop", "--agent", "claude"],
      dryRun: true,
    }).text;
  const parsed = examples.slice(0, 2).map((text) => JSON.parse(text) as unknown);
  expect([parsed[0], parsed[0], parsed[0]]).toEqual(
    (["claude-desktop", "cursor", "gemini"] as const).map((client) => JSON.parse(written(client))),
  );
  expect(parsed[1]).toEqual(JSON.parse(written("vscode")));
  expect(parse(examples[2]!)).toEqual(parse(written("codex")));
});
