import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, parsePolicy, reviewPolicy } from "#runner/index.js";
import { STARTER_POLICY } from "#runner/policy/starter.js";
import { policy, use } from "./requests.js";
import { rounds } from "../../support/slow.js";

const RULE = 'version: 1\nrules:\n- secrets: "**"\n';

function parsed(text: string | Uint8Array): { code: string; message: string; remedy: string } | undefined {
  try {
    parsePolicy(typeof text === "string" ? new TextEncoder().encode(text) : text, "policy.yaml");
    return undefined;
  } catch (error) {
    return error as { code: string; message: string; remedy: string };
  }
}

describe("a policy's file", () => {
  it("of a later version is TOO_NEW, whatever else it has", () => {
    for (const text of ["version: 3\n", "version: 3\nbudgets: [x]\n", "version: 9007199254740991\nrules: nonsense\n"])
      expect(() => parsePolicy(Buffer.from(text), "policy.yaml")).toThrowError(expect.objectContaining({ code: "TOO_NEW" }));
  });

  it.each<[what: string, text: string | Uint8Array, place: string, message: string | RegExp]>([
    ["nothing", "", "1:1", /mapping/],
    ["no text", new Uint8Array([0xff, 0xfe]), "", /UTF-8/],
    ["no YAML", "version: [1\n", "", /line/],
    ["another document", "version: 1\nrules: []\n---\nversion: 1\nrules: []\n", "", /document/],
    ["a list", "- version: 1\n", "1:1", /mapping/],
    ["no version", "rules: []\n", "1:1", /version: 1/],
    ["another version", "version: 0\nrules: []\n", "1:10", /version: 1/],
    ["another channel", "version: 1\napproval_channels: [terminal, sms]\nrules: []\n", "2:31", /approval_channels\.2 /],
    ["no channel", "version: 1\napproval_channels: []\nrules: []\n", "2:20", /empty list/],
    ["a variable with a value", `${RULE}  allow: {env: NODE_ENV=test}\n`, "4:16", /name of a variable/],
    ["variables in a rule that allows nothing", `${RULE}  env: CI\n  deny: all\n`, "4:8", /allows nothing/],
    ["variables twice", `${RULE}  env: CI\n  allow: {env: CI}\n`, "4:8", /twice/],
    ["a version that is text", 'version: "1"\nrules: []\n', "1:10", /version: 1/],
    ["no rules", "version: 1\n", "1:1", /no rules/],
    ["rules that are no list", "version: 1\nrules: {a: b}\n", "2:8", /list/],
    ["an unknown field", "version: 1\nrules: []\nrule: []\n", "3:1", /: rule /],
    ["an unknown field of a rule", `${RULE}  alow: all\n`, "4:3", /rules\.1\.alow /],
    ["an unknown condition", `${RULE}  allow: {branch: main}\n`, "4:11", /rules\.1\.allow\.branch /],
    ["a repeated field", `${RULE}  allow: all\n  allow: all\n`, "5:3", /unique/],
    ["a repeated condition", `${RULE}  deny: {users: a, users: b}\n`, "4:20", /unique/],
    ["an anchor", `${RULE}  allow: &all all\n`, "4:15", /anchors/],
    ["an alias", `${RULE}  allow: *all\n`, "4:10", /anchors|alias/i],
    ["a merge key", `${RULE}  <<: {allow: all}\n`, "4:3", /merge keys/],
    ["a merge that is unfinished", "<<<<<<< HEAD\nversion: 1\n", "1:1", /merge/],
    ["a rule without secrets", "version: 1\nrules:\n- allow: all\n", "3:3", /which secrets/],
    ["a rule that says nothing", RULE, "3:3", /says nothing/],
    ["a rule that is text", "version: 1\nrules: [all]\n", "2:9", /mapping/],
    ["an empty list", `${RULE}  allow: {users: []}\n`, "4:18", /empty list/],
    ["an empty condition", `${RULE}  allow: {users: ""}\n`, "4:18", /is empty/],
    ["no value", `${RULE}  deny:\n`, "4:8", /mapping/],
    ["no conditions", `${RULE}  deny: {}\n`, "4:9", /no conditions/],
    ["another word for all", `${RULE}  deny: everything\n`, "4:9", /neither all/],
    ["all as a condition of when", `${RULE}  when: all\n  deny: all\n`, "4:9", /neither all/],
    ["a number", `${RULE}  allow: {branches: [main, 1.0]}\n`, "4:28", /has to be text/],
    ["a list in a list", `${RULE}  allow: {branches: [[main]]}\n`, "4:22", /has to be text/],
    ["another approval", `${RULE}  approval: sometimes\n`, "4:13", /rules\.1\.approval /],
    ["another action", `${RULE}  allow: {actions: [run, show]}\n`, "4:26", /rules\.1\.allow\.actions\.2 /],
    ["a time without a unit", `${RULE}  max_ttl: 60\n`, "4:12", /rules\.1\.max_ttl /],
    ["no time at all", `${RULE}  max_ttl: 0m\n`, "4:12", /rules\.1\.max_ttl /],
    ["a set of characters", `${RULE}  deny: {branches: "v[12]"}\n`, "4:20", /"\["/],
    ["a choice", `${RULE}  deny: {branches: "{a,b}"}\n`, "4:20", /"{"/],
    ["a negation", `${RULE}  deny: {branches: "!main"}\n`, "4:20", /"!"/],
    ["a question mark", `${RULE}  deny: {users: "eri?"}\n`, "4:17", /"\?"/],
    ["a blank", `${RULE}  deny: {agents: "a b"}\n`, "4:18", /" "/],
    ["two stars in a part", `${RULE}  deny: {branches: "release**"}\n`, "4:20", /\*\* beside/],
    ["two stars in a word", `${RULE}  deny: {users: "**"}\n`, "4:17", /has \*\*/],
    ["one star for all branches", `${RULE}  deny: {branches: "*"}\n`, "4:20", /rules\.1\.deny\.branches /],
    ["one star for all secrets", 'version: 1\nrules:\n- {secrets: "*", deny: all}\n', "3:13", /rules\.1\.secrets /],
    ["an open group", 'version: 1\nrules:\n- {secrets: "prod-*", deny: all}\n', "3:13", /leaves its group open/],
    ["half a name", "version: 1\nrules:\n- {secrets: stripe/, deny: all}\n", "3:13", /slashes/],
    ["half a branch", `${RULE}  deny: {branches: release/}\n`, "4:20", /slashes/],
    ["a quote in a command", `${RULE}  deny: {commands: "git commit -m 'x'"}\n`, "4:20", /quote/],
    ["a line for a shell", `${RULE}  deny: {commands: "curl x | sh"}\n`, "4:20", /shell/],
    ["two stars in a word of a command", `${RULE}  deny: {commands: "curl **x"}\n`, "4:20", /\*\* inside/],
    ["a pattern without end", `${RULE}  deny: {users: ${"a".repeat(600)}}\n`, "4:17", /512/],
  ])("with %s is refused, with its place", (_what, text, place, message) => {
    const error = parsed(text);
    expect(error).toMatchObject({ code: "INVALID_POLICY", message: expect.stringMatching(message) as string });
    const [line, column] = place.split(":");
    if (column !== undefined) expect(error!.message).toContain(`policy.yaml, line ${line}, column ${column}: `);
  });

  it("is read or refused, whatever is done to it", () => {
    const text = STARTER_POLICY.replaceAll(/^ {2}# (?=[- ] )/gm, "  ").slice(STARTER_POLICY.indexOf("version"));
    const piece = fc.constantFrom(..."\n,  ,-,: ,[,],{,},*,&a,!!set ,? ,|,<<: ,null,1,'".split(","), ",", '"', "#", "allow: all");
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(12), piece, (start, length, piece) => {
        expect(parsed(text.slice(0, start) + piece + text.slice(start + length))?.code ?? "INVALID_POLICY").toBe("INVALID_POLICY");
      }),
      { numRuns: rounds(500, 50_000) },
    );
  });

  it("with a name that is nearly right names the right one", () => {
    expect(parsed(`${RULE}  alow: all\n`)!.remedy).toContain("Did you mean allow?");
    expect(parsed(`${RULE}  deny: {branch: x}\n`)!.remedy).toContain("Did you mean branches?");
    expect(parsed(`${RULE}  approval: sesion\n`)!.remedy).toContain("Did you mean session?");
    expect(parsed(`${RULE}  aproval: session\n`)!.remedy).toContain("Did you mean approval?");
    expect(parsed(`${RULE}  zzz: session\n`)!.remedy).toContain("name, secrets, when, allow, env, deny, approval, max_ttl");
    expect(parsed("version: 1\nrules:\n- {secrets: **/x, deny: all}\n")!.remedy).toContain("in quotes");
  });

  it("that agent-vault writes allows what was allowed without one", () => {
    const starter = parsePolicy(new TextEncoder().encode(STARTER_POLICY), "policy.yaml");
    for (const request of [use(), use({ environment: "production" }), use({ action: "get", harness: "codex" })]) {
      const [before, after] = [decide(undefined, request), decide(starter, request)];
      expect([after.allowed, after.approval]).toEqual([before.allowed, before.approval]);
    }
  });

  it("that agent-vault writes has examples that can be read", () => {
    const examples = STARTER_POLICY.replaceAll(/^ {2}# (?=[- ] )/gm, "  ");
    const rules = parsePolicy(new TextEncoder().encode(examples), "policy.yaml").rules;
    expect(rules.map(({ name }) => name)).toEqual([
      "everything",
      "payments",
      "production asks every time",
      "no production for services in development",
    ]);
  });
});

describe("a review of a policy", () => {
  const known = {
    secrets: [...use({ secrets: ["stripe/api-key"], environment: "production" }).secrets, ...use({ secrets: ["token"] }).secrets],
    agents: ["billing"],
    owners: ["eric"],
  };

  it("has nothing to say of what can come true", () => {
    const rules =
      '- {secrets: stripe/*, allow: {agents: [billing, "owner:eric"], environments: prod*, harnesses: [codex, own-*], commands: npm test, env: CI_*}}\n- {secrets: token, allow: all}';
    expect(reviewPolicy(policy(rules), known)).toEqual([]);
  });

  it("names each rule of version 1 that leaves open what a command is started with", () => {
    const rules = [
      '- {secrets: "**", allow: {commands: npm test}}',
      '- {secrets: "**", allow: {commands: npm test, env: NODE_ENV}}',
      '- {secrets: "**", allow: {agents: billing}}',
    ].join("\n");
    expect(reviewPolicy(policy(rules), known)).toEqual([expect.stringMatching(/^rule 1 \(line 3\) .*version: 2/)]);
    expect(reviewPolicy(policy(rules, 2), known)).toEqual([]);
  });

  it("names what cannot", () => {
    const rules = [
      "- {secrets: [stripe/*, stirpe/*], allow: {agents: [billing, biling, eric]}}",
      "- {secrets: token, deny: {environments: production}}",
      "- {secrets: stripe/*, deny: {harnesses: [claude, codx]}}",
      "- {secrets: stripe/*, allow: {commands: npm test, actions: get}}",
    ].join("\n");
    expect(reviewPolicy(policy(rules), known)).toEqual([
      expect.stringMatching(/^rule 1 \(line 3\) .*stirpe\/\*/),
      expect.stringMatching(/^rule 1 \(line 3\) .*biling/),
      expect.stringMatching(/^rule 1 \(line 3\) .*eric/),
      expect.stringMatching(/^rule 2 \(line 4\) .*production/),
      expect.stringMatching(/^rule 3 \(line 5\) .*claude\b.*claude-code/),
      expect.stringMatching(/^rule 3 \(line 5\) .*codx.*codex/),
      expect.stringMatching(/^rule 4 \(line 6\) .*get or inject/),
      expect.stringMatching(/^No rule .*token/),
    ]);
  });
});
