import { HARNESSES, nearestName, andMore } from "@agent-vault/vault/read-only";
import type { RequestedSecret } from "./use-request.js";
import { coversSecret } from "./evaluate-rule.js";
import { matchesSegments } from "./glob.js";
import { secretSegments, type PathSegments } from "./path-segments.js";
import { ruleName } from "./rule-name.js";
import type { ConditionField, Conditions, Pattern, Policy, Rule } from "./policy.js";

/** The names in a vault that a policy can refer to. */
export interface KnownNames {
  readonly secrets: readonly RequestedSecret[];
  readonly agents: readonly string[];
  readonly owners: readonly string[];
}

/** What in a policy can never match in a vault, a sentence each: most likely a mistake, and in a denial one that denies nothing. */
export function reviewPolicy(policy: Policy, known: KnownNames): string[] {
  const uncovered = known.secrets
    .filter((secret) => !policy.rules.some((rule) => rule.allow && coversSecret(rule, secret)))
    .map(({ secret }) => secret);
  const problems = (rule: Rule) => [...reviewRule(rule, known), ...openToVariables(rule)];
  return [
    ...policy.rules.flatMap((rule) => problems(rule).map((problem) => `${ruleName(rule)} ${problem}.`)),
    ...(policy.hasRules && uncovered.length > 0 ? [`No rule allows any use of ${andMore(uncovered, 5)}.`] : []),
  ];
}

function* reviewRule(rule: Rule, known: KnownNames): Generator<string> {
  const secrets = known.secrets.map(({ secret }) => secretSegments(secret));
  for (const pattern of unmatched(rule.secrets, secrets)) yield `names the secret ${pattern}, but there is no such secret in this vault`;
  const agents = [...known.agents.map((name) => ["agent", name]), ...known.owners.map((name) => ["owner", name])];
  const environments = known.secrets.flatMap((secret) => (coversSecret(rule, secret) && secret.environment ? [[secret.environment]] : []));
  for (const conditions of [rule.when, rule.allow, rule.deny]) {
    if (conditions === undefined || conditions === "all") continue;
    for (const pattern of unmatched(conditions.agents, agents))
      yield `names the agent ${pattern}, but there is no such agent in this vault`;
    for (const pattern of unmatched(conditions.environments, environments))
      yield `names the environment ${pattern}, but none of its secrets is in it`;
    for (const { text } of conditions.harnesses ?? []) {
      const meant =
        text.includes("*") || HARNESSES.includes(text)
          ? undefined
          : (nearestName(text, HARNESSES) ?? HARNESSES.find((name) => name.startsWith(text)));
      if (meant !== undefined) yield `names the coding agent ${text}, which is known as ${meant}`;
    }
  }
  if (needsCommand(rule.when, rule.allow) && needsOtherThanRun(rule.when, rule.allow))
    yield "allows commands, but only for the actions get or inject, which have none";
}

/** In version 1 a rule for commands does not limit what a person may have them started with. */
function* openToVariables({ version, when, allow }: Rule): Generator<string> {
  if (version !== 1 || allow === undefined || allow === "all" || !allow.commands || allow.env || needsOtherThanRun(when, allow)) return;
  yield "allows commands, and lets a person on a terminal start them with any plain variable, since the policy is of version 1. List those that may be set under env, or write version: 2";
}

function unmatched(patterns: readonly Pattern[] | undefined, names: readonly PathSegments[]): string[] {
  return (patterns ?? []).flatMap(({ text, segments }) => (names.some((name) => matchesSegments(segments, name)) ? [] : [text]));
}

function needsCommand(...conditions: (Conditions | "all" | undefined)[]): boolean {
  return conditions.some((all) => fieldOf(all, "commands"));
}

function needsOtherThanRun(...conditions: (Conditions | "all" | undefined)[]): boolean {
  return conditions.some((all) => fieldOf(all, "actions")?.every(({ text }) => text !== "run"));
}

function fieldOf(conditions: Conditions | "all" | undefined, field: ConditionField): readonly Pattern[] | undefined {
  return conditions === "all" ? undefined : conditions?.[field];
}
