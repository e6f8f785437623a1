import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, explain, requireAllowed, ruleName } from "#runner/index.js";
import { policy, use, type Use } from "./requests.js";
import { rounds } from "../../support/slow.js";

function allows(rules: string, given: Use = {}): boolean {
  return decide(policy(rules), use(given)).allowed;
}

/** For each field: what its pattern is, a use that it fits and one that it does not. */
const FIELDS: readonly (readonly [field: string, pattern: string, fitting: Use, other: Use])[] = [
  ["agents", "bill*", { agent: "billing" }, { agent: "web" }],
  ["agents", '"owner:er*"', { agent: "owner:eric" }, { agent: "eric" }],
  ["agents", '"*"', { agent: "web" }, { agent: "owner:eric" }],
  ["users", "eric", { user: "eric" }, { user: "mallory" }],
  ["repositories", "github.com/acme/*", { repository: "git@github.com:acme/shop.git" }, { repository: "https://github.com/evil/shop" }],
  ["branches", "[main, release/*]", { branch: "release/1" }, { branch: "release/1/x" }],
  ["branches", "release/**", { branch: "release/1/x" }, { branch: "main" }],
  ["environments", "staging", { environment: "staging" }, { environment: "production" }],
  ["services", "[billing, shop-*]", { service: "shop-api" }, { service: "ops" }],
  ["harnesses", "claude-code", { harness: "claude-code" }, { harness: "codex" }],
  ["commands", "npm test", { command: ["npm", "test"] }, { command: ["npm", "test", "x"] }],
  ["actions", "inject", { action: "inject" }, { action: "run" }],
];

describe("a policy", () => {
  describe.each(FIELDS)("%s: %s", (field, pattern, fitting, other) => {
    it("allows what fits, and nothing else", () => {
      const rules = `- {secrets: "**", allow: {${field}: ${pattern}}}`;
      expect([allows(rules, fitting), allows(rules, other)]).toEqual([true, false]);
    });

    it("denies what fits, and nothing else, whatever allows it", () => {
      const rules = `- {secrets: "**", allow: all}\n- {secrets: "**", deny: {${field}: ${pattern}}}`;
      expect([allows(rules, fitting), allows(rules, other)]).toEqual([false, true]);
    });

    it("narrows a rule to what fits", () => {
      const rules = `- {secrets: "**", allow: all}\n- {secrets: "**", when: {${field}: ${pattern}}, deny: all}`;
      expect([allows(rules, fitting), allows(rules, other)]).toEqual([false, true]);
    });
  });

  it.each([
    ["branches", { branch: undefined }],
    ["repositories", { repository: undefined }],
    ["environments", {}],
    ["services", {}],
    ["harnesses", {}],
  ] as const)("allows nothing by %s where there is none, and denies nothing by it", (field, given) => {
    const any = field === "branches" || field === "repositories" ? '"**"' : '"*"';
    expect(allows(`- {secrets: "**", allow: {${field}: ${any}}}`, given)).toBe(false);
    expect(allows(`- {secrets: "**", allow: all, deny: {${field}: ${any}}}`, given)).toBe(true);
  });

  it.each([
    ["agents", { agent: undefined }],
    ["users", { user: undefined }],
  ] as const)("assumes the worst of a requester whose %s is not known", (field, given) => {
    expect(allows(`- {secrets: "**", allow: {${field}: "*"}}`, given)).toBe(false);
    expect(allows(`- {secrets: "**", allow: all, deny: {${field}: mallory}}`, given)).toBe(false);
  });

  it.each([
    ["stripe/*", ["stripe/api-key"], ["stripe/prod/key", "stripes/key", "stripe"]],
    ["stripe/**", ["stripe/api-key", "stripe/prod/key"], ["db/url", "stripe"]],
    ['"**/prod/*"', ["prod/key", "stripe/prod/key"], ["prod", "prod/a/b"]],
    ["token", ["token", "default/token"], ["x/token"]],
    ["default/*", ["token"], ["db/url"]],
    ['"**/*-key"', ["api-key", "stripe/api-key"], ["stripe/api-key-2"]],
    ['"**"', ["token", "stripe/prod/key"], []],
  ])("is about the secrets that %s fits", (pattern, fitting, others) => {
    const rules = `- {secrets: ${pattern}, allow: all}`;
    expect(fitting.filter((secret) => !allows(rules, { secrets: [secret] }))).toEqual([]);
    expect(others.filter((secret) => allows(rules, { secrets: [secret] }))).toEqual([]);
  });

  it.each([
    "https://github.com/acme/shop",
    "https://GitHub.com/acme/shop.git/",
    "ssh://git@github.com/acme/shop.git",
    "git@github.com:acme/shop.git",
  ])("knows a repository by %s", (url) => {
    expect(allows('- {secrets: "**", allow: {repositories: github.com/acme/shop}}', { repository: url })).toBe(true);
    expect(allows(`- {secrets: "**", allow: {repositories: "${url}"}}`, { repository: "git@github.com:acme/shop" })).toBe(true);
  });

  it("denies in capitals and small letters, and allows as it is written", () => {
    expect(allows('- {secrets: "**", allow: all, deny: {environments: production}}', { environment: "Production" })).toBe(false);
    expect(allows('- {secrets: "**", allow: all, deny: {harnesses: Codex}}', { harness: "codex" })).toBe(false);
    expect(allows('- {secrets: "**", allow: {branches: main}}', { branch: "Main" })).toBe(false);
  });

  it("wants all that allow asks for, and denies by any that deny names", () => {
    const rules = '- {secrets: "**", allow: {agents: billing, branches: main}, deny: {users: root, services: ops}}';
    expect(allows(rules)).toBe(true);
    expect(allows(rules, { branch: "wip" })).toBe(false);
    expect(allows(rules, { agent: "web" })).toBe(false);
    expect(allows(rules, { user: "root" })).toBe(false);
    expect(allows(rules, { service: "ops" })).toBe(false);
  });

  it("denies what no rule allows, and everything where there are no rules", () => {
    expect(allows("- {secrets: db/*, allow: all}")).toBe(false);
    expect(allows("  []")).toBe(false);
    expect(allows('- {secrets: "**", approval: never}')).toBe(false);
  });

  it("allows a use of several secrets when it allows each", () => {
    const rules = "- {secrets: stripe/*, allow: all}";
    expect(allows(rules, { secrets: ["stripe/a", "stripe/b"] })).toBe(true);
    expect(allows(rules, { secrets: ["stripe/a", "db/url"] })).toBe(false);
  });

  it("denies in any order of its rules", () => {
    expect(allows("- {secrets: stripe/*, deny: all}\n- {secrets: stripe/*, allow: all}")).toBe(false);
    expect(allows("- {secrets: stripe/*, allow: all}\n- {secrets: stripe/*, deny: all}")).toBe(false);
  });

  describe("commands", () => {
    const allowing = (pattern: string, ...command: string[]) => allows(`- {secrets: "**", allow: {commands: '${pattern}'}}`, { command });
    const denying = (pattern: string, ...command: string[]) =>
      !allows(`- {secrets: "**", allow: all, deny: {commands: '${pattern}'}}`, { command });

    it("are matched word for word", () => {
      expect(allowing("git push *", "git", "push", "origin")).toBe(true);
      expect(allowing("git push *", "git", "push")).toBe(false);
      expect(allowing("git push **", "git", "push", "origin", "main")).toBe(true);
      expect(allowing("git push **", "git", "push")).toBe(true);
      expect(allowing("npm test", "npm test")).toBe(false);
      expect(allowing("npm run *", "npm", "run", "a/b c")).toBe(true);
      expect(allowing("npm run *", "npm", "run", "x", "--", "y")).toBe(false);
      expect(allowing("** --dry-run", "git", "push", "--dry-run")).toBe(true);
    });

    it("are allowed for the program that is named, not for another of that name", () => {
      expect(allowing("npm test", "/tmp/npm", "test")).toBe(false);
      expect(allowing("npm test", "./npm", "test")).toBe(false);
      expect(allowing("npm* test", "npm/evil", "test")).toBe(false);
      expect(allowing("/usr/bin/npm test", "npm", "test")).toBe(false);
      expect(allowing("/usr/bin/npm test", "/usr/bin/npm", "test")).toBe(true);
      expect(allowing("/opt/tools/* **", "/opt/tools/x")).toBe(true);
      expect(allowing("/opt/tools/* **", "/opt/tools/../sh")).toBe(false);
      expect(allowing("/opt/*/* **", "/opt/../sh")).toBe(false);
      expect(allowing("./deploy.sh **", "./deploy.sh", "now")).toBe(true);
      expect(allowing("* test", "/tmp/anything", "test")).toBe(true);
    });

    it("are denied for every program of that name", () => {
      for (const program of ["curl", "/usr/bin/curl", "./curl", "/usr/bin/../bin/CURL", "C:\\tools\\curl.exe"])
        expect([program, denying("curl **", program, "x")]).toEqual([program, true]);
      expect(denying("/usr/bin/curl **", "curl")).toBe(true);
      expect(denying("/usr/bin/curl **", "/usr/bin/x/../curl")).toBe(true);
      expect(denying("/usr/bin/* **", "/opt/x")).toBe(false);
      expect(denying("curl **", "curly")).toBe(false);
    });

    it("are read as narrowly in when, where a rule allows", () => {
      const rules = '- {secrets: "**", when: {commands: npm test}, allow: all}';
      expect(allows(rules, { command: ["npm", "test"] })).toBe(true);
      expect(allows(rules, { command: ["/tmp/npm", "test"] })).toBe(false);
      expect(allows(`${rules}\n- {secrets: "**", when: {commands: npm test}, deny: all}`, { command: ["/tmp/npm", "test"] })).toBe(false);
    });

    it("are none where a value is shown or filled in", () => {
      expect(allows('- {secrets: "**", allow: {commands: "**"}}', { action: "get" })).toBe(false);
    });
  });

  describe("approval", () => {
    const approval = (rules: string | undefined, given: Use = {}) =>
      decide(rules === undefined ? undefined : policy(rules), use(given)).approval;

    it.each<[Use, string]>([
      [{}, "never"],
      [{ environment: "staging", access: "read" }, "never"],
      [{ environment: "product-tests" }, "never"],
      [{ environment: "production" }, "session"],
      [{ environment: "Prod" }, "session"],
      [{ environment: "eu-live" }, "session"],
      [{ environment: "prod_eu" }, "session"],
      [{ access: "read-write" }, "session"],
      [{ access: "admin" }, "session"],
    ])("of %j is %s unless a rule says otherwise", (given, expected) => {
      expect(approval(undefined, given)).toBe(expected);
      expect(approval('- {secrets: "**", allow: all}', given)).toBe(expected);
      expect(approval('- {secrets: "**", allow: all, approval: never}', given)).toBe("never");
    });

    it("is the strictest of what the rules say that allow it or apply to it", () => {
      const rules = [
        '- {secrets: "**", allow: all, approval: never}',
        "- {secrets: stripe/*, approval: session}",
        "- {secrets: stripe/live, allow: {branches: main}, approval: once}",
        "- {secrets: stripe/live, when: {users: mallory}, approval: always}",
      ].join("\n");
      expect(approval(rules, { secrets: ["db/url"] })).toBe("never");
      expect(approval(rules, { secrets: ["stripe/test"] })).toBe("session");
      expect(approval(rules, { secrets: ["stripe/live"] })).toBe("once");
      expect(approval(rules, { secrets: ["stripe/live"], branch: "wip" })).toBe("session");
      expect(approval(rules, { secrets: ["stripe/live"], user: "mallory" })).toBe("always");
      expect(approval(rules, { secrets: ["db/url", "stripe/live", "stripe/test"] })).toBe("once");
    });
  });

  it("is not eased by a rule that may not apply", () => {
    const rules = '- {secrets: "**", allow: all}\n- {secrets: "**", when: {users: eric}, approval: never}';
    const approval = (given: Use) => decide(policy(rules), use({ environment: "production", ...given })).approval;
    expect([approval({ user: "eric" }), approval({ user: "eve" }), approval({ user: undefined })]).toEqual(["never", "session", "session"]);
    const strict = decide(policy(rules.replace("never", "always")), use({ user: undefined }));
    expect(strict.approval).toBe("always");
  });

  it("limits to the shortest max_ttl", () => {
    const rules =
      '- {secrets: "**", allow: all, max_ttl: 8h}\n- {secrets: stripe/*, max_ttl: 15m}\n- {secrets: stripe/*, deny: {users: x}, max_ttl: 30m}';
    expect(decide(policy(rules), use()).maxTtlMs).toBe(15 * 60_000);
    expect(decide(policy(rules), use({ secrets: ["db/url"] })).maxTtlMs).toBe(8 * 3_600_000);
    expect(decide(policy(rules), use({ secrets: ["db/url", "stripe/a"] })).maxTtlMs).toBe(15 * 60_000);
    expect(decide(undefined, use()).maxTtlMs).toBeUndefined();
  });

  describe("a coding agent", () => {
    const harness = "claude-code";
    const code = (rules: string | undefined, given: Use) =>
      decide(rules === undefined ? undefined : policy(rules), use(given)).secrets[0]!.code;

    it.each(["get", "inject"] as const)("is shown no value by %s unless a rule says just that", (action) => {
      expect(code(undefined, { action, harness })).toBe("HARNESS_DENIED");
      expect(code(undefined, { action })).toBeUndefined();
      expect(code('- {secrets: "**", allow: all}', { action, harness })).toBe("HARNESS_DENIED");
      expect(code('- {secrets: "**", allow: all}', { action })).toBeUndefined();
      expect(code(`- {secrets: "**", allow: {actions: [run, ${action}]}}`, { action, harness })).toBeUndefined();
      expect(code(`- {secrets: "**", allow: {actions: [${action}], branches: main}}`, { action, harness, branch: "wip" })).toBe(
        "POLICY_DENIED",
      );
      expect(code(`- {secrets: "**", allow: {actions: ${action}}, deny: {harnesses: "*"}}`, { action, harness })).toBe("POLICY_DENIED");
    });

    it("has commands run", () => {
      expect(code(undefined, { harness })).toBeUndefined();
      expect(code('- {secrets: "**", allow: all}', { harness })).toBeUndefined();
    });
  });

  it("says what it denies, and what to do instead", () => {
    const denial = (rules: string | undefined, given: Use) => {
      const request = use(given);
      try {
        return requireAllowed(decide(rules === undefined ? undefined : policy(rules), request), request);
      } catch (error) {
        return error as { code: string; message: string; remedy: string };
      }
    };
    expect(denial("- {secrets: stripe/*, allow: all}", {})).toBeUndefined();
    expect(denial("- {name: shut, secrets: stripe/*, deny: all}", {})).toMatchObject({
      code: "POLICY_DENIED",
      message: 'The vault\'s policy denies this use of stripe/api-key: rule "shut" (line 3).',
    });
    expect(denial("- {secrets: db/*, allow: all}", {})).toMatchObject({
      code: "POLICY_DENIED",
      message: "The vault's policy has no rule that allows this use of stripe/api-key.",
    });
    expect(denial(undefined, { action: "get", harness: "codex" })).toMatchObject({
      code: "HARNESS_DENIED",
      remedy: expect.stringContaining("agent-vault run --secret stripe/api-key -- COMMAND") as string,
    });
  });

  it("says the same in any order of its rules, and denies what any part of it denies", () => {
    const conditions = fc.constantFrom(
      "{branches: main}",
      "{users: eric, branches: wip}",
      '{agents: "b*"}',
      "{harnesses: codex}",
      "{commands: npm **}",
    );
    const rule = fc
      .record({
        secrets: fc.constantFrom('"**"', "stripe/*", "db/*"),
        when: fc.option(conditions),
        allow: fc.option(fc.oneof(fc.constant("all"), conditions)),
        deny: fc.option(conditions),
        approval: fc.constantFrom("never", "session", "once", "always"),
        max_ttl: fc.constantFrom("15m", "8h"),
      })
      .map(
        (fields) =>
          `- {${Object.entries(fields)
            .flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
            .join(", ")}}`,
      );
    const given = fc.record({
      branch: fc.constantFrom("main", "wip"),
      agent: fc.constantFrom("billing", "web"),
      harness: fc.constantFrom(undefined, "codex"),
      secrets: fc.constantFrom(["stripe/a"], ["db/a"], ["stripe/a", "db/a"]),
    });
    const judged = (rules: readonly string[], request: Use) => {
      const { allowed, approval, maxTtlMs } = decide(policy(rules.join("\n")), use(request));
      return { allowed, approval, maxTtlMs };
    };
    fc.assert(
      fc.property(fc.array(rule, { minLength: 2, maxLength: 5 }), given, fc.nat(4), (rules, request, shift) => {
        const whole = judged(rules, request);
        expect(judged([...rules.slice(shift), ...rules.slice(0, shift)].toReversed(), request)).toEqual(whole);
        expect(judged([...rules, '- {secrets: "**", deny: all}'], request).allowed).toBe(false);
        if (!whole.allowed)
          expect(
            judged(
              rules.map((one) => one.replace(/allow: (?:all|\{[^}]*\}), /, "")),
              request,
            ).allowed,
          ).toBe(false);
      }),
      { numRuns: rounds(150, 20_000) },
    );
  });

  it("explains which rule decides, and why the others do not", () => {
    const rules = [
      "- {secrets: db/*, allow: all}",
      "- {name: main only, secrets: stripe/*, allow: {branches: [main, release/*]}}",
      "- {secrets: stripe/*, when: {environments: production}, deny: all}",
      "- {secrets: stripe/*, approval: once}",
      "- {secrets: stripe/*, deny: {commands: npm test}}",
    ].join("\n");
    const { decision, secrets } = explain(policy(rules), use({ branch: "wip/x" }));
    expect(decision.allowed).toBe(false);
    const [explained] = secrets;
    expect(explained).toMatchObject({
      secret: "stripe/api-key",
      allowed: false,
      decision: "Denied by rule 5 (line 7).",
      approval: "A person is asked for each use, says rule 4 (line 6).",
    });
    expect(explained!.rules.map(({ rule, effect, why }) => `${effect}: ${ruleName(rule)} ${why}`)).toEqual([
      "silent: rule 1 (line 3) is about other secrets: db/*",
      'silent: rule "main only" (line 4) allows uses with branches main, release/*; here the branch is wip/x',
      "silent: rule 3 (line 5) is about uses with environments production; here the secret's environment is not known or none",
      "limits: rule 4 (line 6) applies, and leaves to others whether the use is allowed",
      "denies: rule 5 (line 7) denies uses with commands npm test; here the command is npm test",
    ]);
  });
});
