import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { agentsOf, Manifest, parseSecretPath } from "#vault/index.js";

const parse = (text: string) => Manifest.parse(new TextEncoder().encode(text));
const print = (manifest: Manifest) => new TextDecoder().decode(manifest.toBytes());
const path = parseSecretPath;

const COMMENTED = `# our agents
version: 1
owners:
- name: eric
  public_key: owner.pub
  since: 2024
agents:
# pays the bills
- name: billing
  groups:
  - stripe # only this
  team: finance
- name: "007"
  groups: []
groups:
- name: stripe
  color: blue
  secrets:
  - stripe/api-key
- name: default
  secrets:
  - default/spelled-out
  - short
future: {kept: true}
`;

describe("manifest.yaml", () => {
  it("comes back byte for byte where nothing changes", () => {
    expect(print(parse(COMMENTED))).toBe(COMMENTED);
  });

  it("keeps comments, order, unknown fields and spellings through a change", () => {
    const manifest = parse(COMMENTED);
    manifest.joinGroup("billing", "default");
    manifest.listSecret("stripe", path("stripe/webhook"));
    manifest.addExtraAgent(path("short"), "007");
    expect(print(manifest)).toBe(
      COMMENTED.replace("  - stripe # only this\n", "  - stripe # only this\n  - default\n")
        .replace("  - stripe/api-key\n", "  - stripe/api-key\n  - stripe/webhook\n")
        .replace("future: {kept: true}\n", 'future: { kept: true }\nextra_agents:\n  short:\n  - "007"\n'),
    );
    const again = parse(print(manifest));
    expect([...again.extraAgents]).toEqual([[path("short"), new Set(["007"])]]);
    expect([...again.agents.get("billing")!]).toEqual(["stripe", "default"]);
  });

  it("is not written where the new file would say something else", () => {
    const manifest = parse("version: 1\nagents:\n- name: twice\n  groups: [a]\n- name: twice\n  groups: [b]\n");
    expect([manifest.duplicates, manifest.problems.length]).toEqual([["agent twice"], 1]);
    manifest.addAgent("other");
    expect(() => manifest.toBytes()).toThrow(expect.objectContaining({ code: "DAMAGED" }));
  });

  it("leaves an entry whose name it cannot use alone, and names it", () => {
    const text =
      "version: 1\nagents:\n- name: ../evil\n  groups: [stripe]\n- name: good\n  groups: []\ngroups:\n- name: stripe\n  secrets: [../../etc/passwd, stripe/a]\n";
    const manifest = parse(text);
    expect(manifest.problems).toHaveLength(2);
    expect([...manifest.agents.keys()]).toEqual(["good"]);
    manifest.joinGroup("good", "stripe");
    expect(print(manifest)).toContain("- name: ../evil");
    expect(print(manifest)).toContain("../../etc/passwd");
    expect(agentsOf(manifest, path("stripe/a"))).toEqual(["good"]);
  });

  it.each([
    ["version: 2\n", "INVALID_MANIFEST"],
    ["- a\n", "INVALID_MANIFEST"],
    ["", "INVALID_MANIFEST"],
    ["version: 1\nversion: 1\n", "INVALID_YAML"],
    ["version: 1\nagents: {a: b}\n", "INVALID_MANIFEST"],
    [
      "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n",
      "INVALID_YAML",
    ],
  ])("refuses %j", (text, code) => {
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code }));
  });

  it("refuses bytes that are no text", () => {
    expect(() => Manifest.parse(Uint8Array.of(0xff, 0xfe, 0x00))).toThrowError(expect.objectContaining({ code: "INVALID_YAML" }));
  });
});

describe("who reads what", () => {
  const manifest = parse(
    "version: 1\nagents:\n- {name: a, groups: [g, h]}\n- {name: b, groups: [h]}\n- {name: c, groups: []}\ngroups:\n- {name: g, secrets: [g/1]}\n- {name: h, secrets: [g/1, h/1]}\nextra_agents: {h/1: [c, gone], g/1: [a]}\n",
  );

  it("is every agent of every group that lists the secret, then its extra agents, each once", () => {
    expect(agentsOf(manifest, path("g/1"))).toEqual(["a", "b"]);
    expect(agentsOf(manifest, path("h/1"))).toEqual(["a", "b", "c"]);
    expect(agentsOf(manifest, path("h/2"))).toEqual([]);
  });

  it("takes extra agents from the metadata only where the manifest of agent-vault 0.1 cannot name them", () => {
    expect(agentsOf(manifest, path("g/1"), ["c"])).toEqual(["a", "b"]);
    const old = Manifest.parse(readFileSync(join(import.meta.dirname, "../../../fixtures/vault-0.1/repo/.agent-vault/manifest.yaml")));
    expect(agentsOf(old, path("stripe/webhook-secret"), ["billing-agent", "seo-crawler", "idle-agent", "unknown"])).toEqual([
      "billing-agent",
      "seo-crawler",
      "idle-agent",
    ]);
  });
});
