import { describe, expect, it } from "vitest";
import { Config, Manifest, parseSecretPath, VaultError } from "#vault/index.js";
import { parseMetadata } from "#vault/format/metadata.js";
import { processorTimeMs } from "../../support/processor-time.js";

const HEAD = "version: 1\nowners:\n- name: eric\nagents:\n- name: bot\n";
const MIB = 1024 * 1024;
const bytes = (text: string) => Buffer.from(text);
const secrets = Array.from({ length: 100_000 }, (_, index) => `group-${index % 100}/secret-number-${index}`);

describe("a manifest", () => {
  it("of a hundred thousand secrets is read, each listed and each with an extra agent", () => {
    const listed = secrets.map((secret) => `  - ${secret}\n`).join("");
    const extra = secrets.map((secret) => `  ${secret}:\n  - bot\n`).join("");
    const manifest = Manifest.parse(bytes(`${HEAD}groups:\n- name: all\n  secrets:\n${listed}extra_agents:\n${extra}`));
    expect([manifest.groups.get("all")!.size, manifest.extraAgents.size]).toEqual([100_000, 100_000]);
  });

  it("that says a thing twice is refused with the place", () => {
    const twice = `${HEAD}extra_agents:\n  a/b: [bot]\n  a/b: []\n`;
    expect(() => Manifest.parse(bytes(twice))).toThrowError(
      expect.objectContaining({ code: "INVALID_YAML", message: expect.stringContaining("line 8, column 3") as string }),
    );
  });

  it.each([
    ["ten mebibytes", "a".repeat(10 * MIB)],
    ["brackets in brackets", "[".repeat(8 * MIB)],
    ["lists in lists", "- ".repeat(4 * MIB)],
    ["mappings in mappings", "? ".repeat(4 * MIB)],
    ["quotes", "''".repeat(4 * MIB)],
    ["aliases", `a: &a [x]\nb: [${"*a,".repeat(2 * MIB)}]\n`],
    ["empty lines", "\n".repeat(8 * MIB)],
    ["levels by indentation", Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("")],
  ])("of %s alone is refused at once", async (_, text) => {
    const tookMs = await processorTimeMs(() =>
      expect(() => Manifest.parse(bytes(text))).toThrowError(expect.objectContaining({ code: "INVALID_YAML" })),
    );
    expect(tookMs).toBeLessThan(2_000);
  });

  it.each([
    ["texts with an indentation", "a: |1\n".repeat(MIB)],
    ["lines after a key", `{a${"\n".repeat(900_000)}}`],
    ["spaces", " ".repeat(8 * MIB - 1)],
    ["spaces in quotes", `a: "${" ".repeat(7 * MIB)}"\n`],
    ["backslashes in quotes", `a: "${"\\".repeat(7 * MIB)}"\n`],
  ])("of %s alone is answered at once", async (_, text) => {
    const tookMs = await processorTimeMs(() => expect(() => Manifest.parse(bytes(text))).toThrowError(VaultError));
    expect(tookMs).toBeLessThan(5_000);
  });
});

it("a configuration and metadata of more than a mebibyte are refused", () => {
  const long = `# ${"x".repeat(MIB)}\n`;
  expect(() => Config.parse(bytes(`version: 1\nencryption: {format: age}\n${long}`))).toThrowError(
    expect.objectContaining({ code: "INVALID_YAML" }),
  );
  const description = `name: a/b\ndescription: ${"x".repeat(MIB)}\n`;
  expect(() => parseMetadata(bytes(description), parseSecretPath("a/b"))).toThrowError(expect.objectContaining({ code: "INVALID_YAML" }));
});
