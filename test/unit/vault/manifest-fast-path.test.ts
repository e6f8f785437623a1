import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Manifest } from "#vault/format/manifest.js";
import { readPlainManifest } from "#vault/format/plain-manifest.js";
import { parseSecretPath } from "#vault/format/names.js";
import { readYamlFile } from "#vault/format/yaml-document.js";
import { rounds } from "../../support/slow.js";

const RUNS = rounds(1_000, 20_000);
const bytesOf = (text: string) => new TextEncoder().encode(text);

const PRINTED = `version: 1
owners:
- name: "owner"
  public_key: owner.pub
- name: second
  public_key: owners/second.pub
agents:
- name: deploy
  groups:
  - stripe
  - 2fa
- name: newcomer
  groups: []
groups:
- name: stripe
  secrets:
  - stripe/api-key
  - 2fa/token
  - token
- name: empty
  secrets: []
extra_agents:
  stripe/api-key:
  - newcomer
  default.token:
  - deploy
  - newcomer
removed:
- subject: agent:former
  id: 0123456789abcdef0123456789abcdef
- subject: secret:stripe/old
  object: group:stripe
  id: f123456789abcdef0123456789abcdef
`;

/** What takes the place of a part of a printed manifest. */
const piece = fc.oneof(
  fc.constantFrom(
    " ",
    "  ",
    "- ",
    "-",
    ": ",
    ":",
    "\n",
    "\n  ",
    "\n- ",
    "#",
    " # x",
    "[]",
    "{}",
    "[a]",
    "{a: b}",
    "null",
    "true",
    "~",
    "&a ",
    "*a",
  ),
  fc.constantFrom(
    "0",
    "12",
    "1e5",
    "0x1f",
    "1_000",
    "2fa/token",
    "12/34",
    "1e5/2",
    "12ab",
    "1e3",
    "<<",
    "? ",
    "| ",
    '"',
    '"a\\n"',
    "'",
    "\t",
    "\r",
  ),
  fc.constantFrom("name: x", "  secrets:\n  - a", "__proto__: 1", "version: 1", "constructor: x", "a b", "a: b: c", "===="),
  fc.string({ unit: "binary", maxLength: 2 }),
);
const mutated = fc
  .array(fc.tuple(fc.nat(PRINTED.length), fc.nat(6), piece), { maxLength: 3 })
  .map((edits) => edits.reduce((text, [at, length, given]) => text.slice(0, at) + given + text.slice(at + length), PRINTED));

describe("a manifest that is printed plainly", () => {
  it("is read without the parser", () => {
    expect(readPlainManifest(bytesOf(PRINTED))).toEqual(readYamlFile(bytesOf(PRINTED), "manifest.yaml").document.toJS());
    const manifest = Manifest.create("owner");
    manifest.addAgent("deploy");
    manifest.listSecret("stripe", parseSecretPath("stripe/api-key"));
    manifest.joinGroup("deploy", "stripe");
    manifest.addExtraAgent(parseSecretPath("1password/7"), "deploy");
    expect(readPlainManifest(manifest.toBytes())).toBeDefined();
  });

  it("is never read otherwise than by the parser", () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const plain = readPlainManifest(bytesOf(text));
        if (plain !== undefined) expect(plain).toEqual(readYamlFile(bytesOf(text), "manifest.yaml").document.toJS());
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps what a person wrote around it when it is changed", () => {
    const manifest = Manifest.parse(bytesOf(PRINTED.replace("version: 1\n", "version: 1\nteam: payments\n")));
    manifest.addAgent("third");
    expect(new TextDecoder().decode(manifest.toBytes())).toContain("version: 1\nteam: payments\nowners:\n");
  });
});
