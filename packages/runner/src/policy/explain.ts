import type { RequestedSecret, UseRequest } from "./use-request.js";
import { decide, sensitivityOf, type DecideOptions, type Decision, type SecretDecision } from "./decide.js";
import { unlistedVariables, type Verdict } from "./evaluate-rule.js";
import type { ConditionField, Pattern, Policy, Rule } from "./policy.js";
import { ruleName } from "./rule-name.js";
import { describeValue } from "./use-values.js";

/** What one policy says of a request. */
export interface PolicyDecision {
  readonly policy: Policy | undefined;
  readonly request: UseRequest;
  readonly decision: Decision;
}

/** A decision with its reasons. */
export interface Explanation {
  readonly decision: Decision;
  readonly secrets: readonly SecretExplanation[];
}

/** The decision on one secret with its reasons. */
export interface SecretExplanation {
  readonly secret: string;
  readonly allowed: boolean;
  /** The decision in one sentence. */
  readonly decision: string;
  /** What is asked of a person, and why, in one sentence. */
  readonly approval: string;
  /** What each rule says, in a clause that follows its name. */
  readonly rules: readonly { readonly rule: Rule; readonly effect: Verdict["effect"]; readonly why: string }[];
}

/** Says which rule decides on a use, and why the others do not. */
export function explain(policy: Policy | undefined, request: UseRequest, options: DecideOptions = {}): Explanation {
  return explainDecision({ policy, request, decision: decide(policy, request, options) });
}

/** The reasons of a decision. */
export function explainDecision({ policy, request, decision }: PolicyDecision): Explanation {
  return {
    decision,
    secrets: decision.secrets.map((decided, index) => {
      const secret = request.secrets[index]!;
      return {
        secret: decided.secret,
        allowed: decided.allowed,
        decision: sentence(policy, decided, request),
        approval: approvalSentence(decided, secret),
        rules: decided.verdicts.map((verdict) => ({
          rule: verdict.rule,
          effect: verdict.effect,
          why: reason(verdict, request, secret),
        })),
      };
    }),
  };
}

function sentence(policy: Policy | undefined, { code, rule, unlisted }: SecretDecision, { action, invocation }: UseRequest): string {
  if (code === "HARNESS_DENIED") {
    const lack = policy ? `no rule that allows it names ${action} in its actions` : "the vault has no policy that allows it";
    return `Denied: it would show the value to a coding agent (${invocation.harness}), and ${lack}.`;
  }
  if (unlisted.length > 0) return `Denied: it would set ${unlisted.join(", ")}, and no rule that would allow it lists that under env.`;
  if (!policy) return "Allowed: the vault has no policy, so everyone with a key that opens a secret may use it.";
  if (!policy.hasRules) return "Allowed: the policy has no rules, so everyone with a key that opens a secret may use it.";
  if (code) return rule ? `Denied by ${ruleName(rule)}.` : "Denied: no rule allows it.";
  return `Allowed by ${ruleName(rule!)}.`;
}

const ASKED: Readonly<Record<SecretDecision["approval"], string>> = {
  never: "Nobody is asked",
  session: "A person is asked, once for the session",
  once: "A person is asked for each use",
  always: "A person is asked for each use, and an answer given in advance does not count",
};

function approvalSentence({ approval, approvalRule }: SecretDecision, secret: RequestedSecret): string {
  const sensitivity = approval === "never" ? undefined : sensitivityOf(secret);
  const why = approvalRule ? `, says ${ruleName(approvalRule)}` : sensitivity === undefined ? "" : `, since ${sensitivity}`;
  return `${ASKED[approval]}${why}.`;
}

function reason({ rule, effect, because, field }: Verdict, request: UseRequest, secret: RequestedSecret): string {
  if (because === "secrets") return `is about other secrets: ${listed(rule.secrets)}`;
  if (effect === "limits") return "applies, and leaves to others whether the use is allowed";
  if (because === "allow" && field === "env")
    return `lists ${listed(listedVariables(rule)) || "no variable"} under env, and ${unlistedVariables(rule, request).join(", ")} would be set`;
  if (field) {
    const conditions = rule[because];
    const patterns = conditions === "all" ? undefined : conditions?.[field];
    const here = `here ${NOUNS[field]} is ${describeValue(field, request, secret) || "not known or none"}`;
    const about = { when: "is about uses with", allow: "allows uses with", deny: "denies uses with" }[because];
    return `${about} ${field} ${listed(patterns ?? [])}; ${here}`;
  }
  if (effect === "silent") return "denies other uses";
  return rule[because === "deny" ? "deny" : "allow"] === "all" ? `${effect} every use` : `${effect} this use`;
}

const NOUNS: Readonly<Record<ConditionField, string>> = {
  agents: "the agent",
  users: "the user",
  repositories: "the repository",
  branches: "the branch",
  environments: "the secret's environment",
  services: "the service",
  harnesses: "the coding agent",
  commands: "the command",
  actions: "the action",
  env: "what is set",
};

function listedVariables({ allow }: Rule): readonly Pattern[] {
  return allow === "all" ? [] : (allow?.env ?? []);
}

function listed(patterns: readonly Pattern[]): string {
  return patterns.map(({ text }) => text).join(", ");
}
