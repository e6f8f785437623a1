import { describe, expect, it } from "vitest";
import { addedRuleWidens, changedRuleWidens, removedRuleWidens, type Rule } from "#vault/difference/rule-widening.js";

const ALLOW = { secrets: "**", allow: { agents: ["bot", "ann"] } };
const DENY = { secrets: ["stripe/*"], deny: { commands: "git" } };

describe("whether a change of the policy lets somebody do more", () => {
  it.each<[string, Rule, Rule, boolean]>([
    ["allows more agents", ALLOW, { ...ALLOW, allow: { agents: ["bot", "ann", "eve"] } }, true],
    ["allows fewer agents", ALLOW, { ...ALLOW, allow: { agents: "bot" } }, false],
    ["allows all", ALLOW, { ...ALLOW, allow: "all" }, true],
    ["asks for a branch as well", ALLOW, { ...ALLOW, allow: { ...ALLOW.allow, branches: "main" } }, false],
    ["allows nothing", { ...ALLOW, approval: "once" }, { secrets: "**", approval: "once" }, false],
    ["allows fewer secrets", ALLOW, { ...ALLOW, secrets: [] }, false],
    ["allows other secrets", ALLOW, { ...ALLOW, secrets: "db/*" }, true],
    ["allows in a case", ALLOW, { ...ALLOW, when: { environments: "test" } }, false],
    ["allows in each case", { ...ALLOW, when: { environments: "test" } }, ALLOW, true],
    ["denies more commands", DENY, { ...DENY, deny: { commands: ["git", "env"] } }, false],
    ["denies fewer commands", { ...DENY, deny: { commands: ["git", "env"] } }, DENY, true],
    ["denies for a second reason", DENY, { ...DENY, deny: { ...DENY.deny, agents: "bot" } }, false],
    ["denies all", DENY, { ...DENY, deny: "all" }, false],
    ["denies more secrets", DENY, { ...DENY, secrets: ["stripe/*", "db/*"] }, false],
    ["denies in a case", DENY, { ...DENY, when: { agents: "bot" } }, true],
    ["denies in each case", { ...DENY, when: { agents: "bot" } }, DENY, false],
    ["does both of fewer secrets", { ...ALLOW, ...DENY, secrets: ["a/b", "c/d"] }, { ...ALLOW, ...DENY, secrets: ["a/b"] }, true],
    ["asks more often", { ...ALLOW, approval: "session" }, { ...ALLOW, approval: "always" }, false],
    ["asks less often", { ...ALLOW, approval: "always" }, { ...ALLOW, approval: "session" }, true],
    ["asks where it did not", ALLOW, { ...ALLOW, approval: "once" }, false],
    ["asks nobody, not even of production", ALLOW, { ...ALLOW, approval: "never" }, true],
    ["no longer asks", { ...ALLOW, approval: "once" }, ALLOW, true],
    ["lasts shorter", { ...ALLOW, max_ttl: "8h" }, { ...ALLOW, max_ttl: "15m" }, false],
    ["lasts longer", { ...ALLOW, max_ttl: "8h" }, { ...ALLOW, max_ttl: "1y" }, true],
    ["lasts for ever", { ...ALLOW, max_ttl: "8h" }, ALLOW, true],
    ["lists variables", ALLOW, { ...ALLOW, allow: { ...ALLOW.allow, env: "CI" } }, true],
    ["lists variables beside all", { ...ALLOW, allow: "all" }, { ...ALLOW, allow: "all", env: "CI" }, true],
    ["lists more variables", { ...ALLOW, env: "A" }, { ...ALLOW, env: ["A", "B"] }, true],
    ["lists fewer variables", { ...ALLOW, allow: { env: ["A", "B"] } }, { ...ALLOW, allow: { env: "A" } }, false],
    ["lists no variables, and so sets a person no limit", { ...ALLOW, env: "A" }, ALLOW, true],
    ["says something unknown", ALLOW, { ...ALLOW, unless: "x" }, true],
  ])("a rule that %s", (_, old, now, widens) => expect(changedRuleWidens(old, now)).toBe(widens));

  it("by a new rule or without one", () => {
    expect([ALLOW, DENY, { secrets: "**", approval: "never" }].map((rule) => addedRuleWidens(rule, true))).toEqual([true, false, true]);
    // Where there was no policy, everything was allowed.
    expect(addedRuleWidens(ALLOW, false)).toBe(false);
    expect([ALLOW, DENY, { ...ALLOW, approval: "always" }, { ...ALLOW, max_ttl: "8h" }].map(removedRuleWidens)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});
