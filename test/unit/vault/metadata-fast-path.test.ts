import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { VaultError } from "#vault/errors.js";
import { changeMetadata, createMetadata, parseMetadata, readAuthorizedAgents, withAuthorizedAgents } from "#vault/format/metadata.js";
import { parseSecretPath } from "#vault/format/names.js";
import { readPlainYaml } from "#vault/format/simple-yaml.js";
import { rounds } from "../../support/slow.js";

const RUNS = rounds(1_000, 20_000);
const FIXTURES = resolve(import.meta.dirname, "../../../fixtures/vault-0.1");
const PATH = parseSecretPath("stripe/api-key");

/** Characters and words that mean something in YAML, or look as if they did. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9_.,/()'+@=-]{1,6}$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "true",
      "Null",
      "FALSE",
      "~",
      "yes",
      "0",
      "007",
      "12",
      "-3",
      "1.5",
      "1e3",
      "0x1f",
      ".inf",
      "2026-11-01",
      "2026-11-01T00:00:00Z",
      "2026-11-01T00:00:00.123456789Z",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      " ",
      "  ",
      ":",
      ": ",
      " :",
      "#",
      " #",
      "-",
      "- ",
      "[]",
      "{}",
      "&a",
      "*a",
      "!!str",
      "|",
      ">",
      "%",
      "`",
      "?",
      "? ",
      '"',
      "\\",
      "\\n",
      "\t",
      "\r",
      "---",
      "...",
      "<<",
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 2 }) },
);
const scalar = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join("")),
  fc.array(piece, { maxLength: 3 }).map((pieces) => JSON.stringify(pieces.join(""))),
  fc.array(piece, { maxLength: 3 }).map((pieces) => `"${pieces.join("")}"`),
  fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 3 }).map((words) => words.join(" ")),
);
const name = fc.oneof(
  fc.constantFrom(
    "name",
    "group",
    "version",
    "tags",
    "authorized_agents",
    "description",
    "null",
    "true",
    "constructor",
    "__proto__",
    "name ",
  ),
  fc.stringMatching(/^[a-z_]{1,6}$/),
);
const block = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(name, scalar).map(([key, value]) => `${key}: ${value}\n`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, fc.array(scalar, { maxLength: 3 }))
      .map(([key, items]) => `${key}:\n${items.map((item) => `- ${item}\n`).join("")}`),
  },
  { weight: 1, arbitrary: name.map((key) => `${key}: []\n`) },
  { weight: 1, arbitrary: fc.tuple(piece, fc.constantFrom("\n", "")).map(([text, end]) => text + end) },
);
const anyText = fc.array(block, { maxLength: 5 }).map((blocks) => blocks.join(""));

/** Metadata as it may stand in a vault, plain or not, with other agents or the same, in all ways of writing them. */
const agentName = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/), fc.constantFrom("yes", "null", "True", "007", "1e3", "a.b", "x_y"));
const agents = fc.uniqueArray(agentName, { maxLength: 4 });
const agentsBlock = fc.oneof(
  agents.map((names) =>
    names.length === 0 ? "authorized_agents: []\n" : `authorized_agents:\n${names.map((agent) => `- ${JSON.stringify(agent)}\n`).join("")}`,
  ),
  agents.map((names) => `authorized_agents:\n${names.map((agent) => `- ${agent}\n`).join("")}`),
  agents.map((names) => `authorized_agents:\n${names.map((agent) => `  - ${agent} # since May\n`).join("")}`),
  agents.map((names) => `authorized_agents: [${names.join(", ")}]\n`),
  fc.constantFrom("", "authorized_agents:\n", "authorized_agents: null\n"),
);
const metadataText = fc
  .tuple(fc.array(block, { maxLength: 2 }), agentsBlock, fc.array(block, { maxLength: 2 }))
  .map(([before, list, after]) => ["name: stripe/api-key\n", ...before, list, ...after].join(""));

describe("the fast way through metadata", () => {
  it("reads what the parser reads, or leaves it to the parser", () => {
    let read = 0;
    fc.assert(
      fc.property(anyText, (text) => {
        const plain = readPlainYaml(text);
        if (plain === undefined) return;
        read += 1;
        expect(Object.entries(plain)).toStrictEqual(Object.entries(parsed(text)));
      }),
      { numRuns: RUNS },
    );
    expect(read).toBeGreaterThan(RUNS / 50);
  });

  it("is the way of the files that both programs print", () => {
    const files = readdirSync(FIXTURES, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith(".meta"));
    expect(files.length).toBeGreaterThan(0);
    const times = { created: "2026-11-01T00:00:00.000Z", rotated: "2026-11-02T10:20:30.456Z", expires: "2027-01-31T00:00:00Z" };
    const attributes = {
      group: "stripe",
      description: "Charges cards (test mode only), see https://example.com/keys",
      tags: ["billing", "eu"],
      rotate_after_days: 90,
      access: "read" as const,
    };
    const printed = [
      ...files.map((file) => readFileSync(join(FIXTURES, file))),
      createMetadata(PATH, { ...times, ...attributes, version: 1, authorized_agents: ["billing-agent", "007"] }),
      createMetadata(PATH, { ...times, description: "", environment: "Köln, größer", account: "12345" }),
    ];
    for (const bytes of printed) {
      const text = Buffer.from(bytes).toString();
      expect(Object.entries(readPlainYaml(text) ?? {}), text).toStrictEqual(Object.entries(parsed(text)));
    }
  });

  it("gives the agents that the parser gives", () => {
    fc.assert(
      fc.property(metadataText, (text) => {
        const bytes = Buffer.from(text);
        expect(outcome(() => readAuthorizedAgents(bytes, PATH))).toStrictEqual(
          outcome(() => {
            // A file with an error is refused as a whole, so what the slow way says of it counts.
            changeMetadata(bytes, PATH, {});
            return parsed(text)["authorized_agents"] ?? [];
          }),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it("writes what the slow way writes, but for quotes that a name does not need", () => {
    fc.assert(
      fc.property(metadataText, agents, (text, wanted) => {
        const bytes = Buffer.from(text);
        const fast = outcome(() => withAuthorizedAgents(bytes, PATH, wanted));
        const slow = outcome(() => changeMetadata(bytes, PATH, { authorized_agents: wanted }));
        if (!(fast instanceof Uint8Array && slow instanceof Uint8Array)) {
          expect(fast).toStrictEqual(slow);
          return;
        }
        expect(withoutQuotes(fast)).toBe(withoutQuotes(slow));
        expect(Object.entries(parseMetadata(fast, PATH))).toStrictEqual(Object.entries(parseMetadata(slow, PATH)));
      }),
      { numRuns: RUNS },
    );
  });
});

function parsed(text: string): Record<string, unknown> {
  const document = parseDocument(text, { uniqueKeys: true });
  expect(document.errors).toEqual([]);
  return document.toJS() as Record<string, unknown>;
}

/** What a function returns, or the code of what it throws. */
function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}

function withoutQuotes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString()
    .replace(/^- "([\w-]*)"$/gm, "- $1");
}
