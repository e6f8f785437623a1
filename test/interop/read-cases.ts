import fc from "fast-check";
import { decide, parsePolicy } from "#runner/index.js";
import { VaultError } from "#vault/errors.js";
import { use } from "../unit/runner/requests.js";

export const of = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const NAMES = {
  agents: of("billing", "bil*", "owner:eric", "*", "BILLING", "owner:*"),
  users: of("eric", "E*", "ci", "*"),
  repositories: of("github.com/acme/shop", "https://GitHub.com/acme/*.git", "github.com/**", "/srv/**", "git@github.com:acme/shop", "**"),
  branches: of("main", "release/*", "release/**", "**", "MAIN", "feature/**/x"),
  environments: of("production", "prod*", "staging", "*"),
  services: of("api", "a*", "*"),
  harnesses: of("claude-code", "*", "codex"),
  commands: of("npm test", "**", "* x"),
  actions: of("read", "get", "run", "inject"),
  env: of("NODE_ENV", "APP_*"),
};
const conditions = fc
  .record(
    Object.fromEntries(
      Object.entries(NAMES).map(([name, one]) => [
        name,
        fc.oneof<fc.Arbitrary<unknown>[]>(one, fc.array(one, { minLength: 1, maxLength: 3 })),
      ]),
    ),
    { requiredKeys: [] },
  )
  // Few at a time, or hardly a use would fit.
  .map((all) => Object.fromEntries(Object.entries(all).filter((_, index) => index % 4 === 1)))
  .filter((some) => Object.keys(some).length > 0);
const allOrConditions = fc.oneof({ weight: 1, arbitrary: fc.constant("all") }, { weight: 3, arbitrary: conditions });
const rule = fc.record(
  {
    name: of("first", "second"),
    secrets: fc.oneof(
      { weight: 9, arbitrary: of("stripe/api-key", "stripe/*", "**", "token", "*/api-key", "st*/**", "default/*") },
      { weight: 1, arbitrary: of("*", "a[b]", "a//b", "x**", "tok*", "", "a b", "\u00a0") },
    ),
    when: conditions,
    allow: allOrConditions,
    deny: allOrConditions,
    approval: of("never", "session", "once", "always"),
    max_ttl: of("15m", "8h", "30d", "0s"),
  },
  { requiredKeys: ["secrets"] },
);
/** Policies, of which a few cannot be read. */
export const policies = fc.record({
  version: fc.oneof({ weight: 19, arbitrary: of<unknown>(1, 2) }, { weight: 1, arbitrary: of<unknown>(3, "1", null) }),
  rules: fc.array(rule, { maxLength: 5 }),
});
export const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Reads of one secret; what is absent cannot be told. */
export const requests = fc.record({
  secret: of("stripe/api-key", "stripe/Api", "token", "start/deep/er"),
  agent: maybe(of("billing", "owner:eric", "Bills", "l\u0131ve")),
  user: maybe(of("eric", "Eve", "ci")),
  repository: maybe(
    of(
      "https://github.com/acme/shop.git",
      "git@GITHUB.com:acme/shop",
      "/srv/app",
      "ssh://git@github.com/acme/x/",
      "C:\\work\\app",
      "https://u:p@h/x",
    ),
  ),
  branch: maybe(of("main", "Main", "release/1", "release/1/2", "feature/x", "feature/a/b/x")),
  environment: maybe(of("production", "PROD", "staging")),
  service: maybe(of("api", "API", "web")),
  harness: maybe(of("claude-code", "Codex")),
});
/** What Node decides: whether it is allowed, by the rule at which position, and what approval it asks for; or the code of the error. */
export function decidedByNode(policy: string, { secret, ...given }: ReadCase): unknown {
  try {
    const request = use({ ...given, action: "read", door: "sdk", secrets: [secret] });
    const decision = decide(parsePolicy(Buffer.from(policy), "policy.yaml"), request);
    return [decision.allowed, decision.secrets[0]!.rule?.position ?? null, decision.approval];
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}

export type ReadCase = typeof requests extends fc.Arbitrary<infer Case> ? Case : never;

function principalOf(agent: string | undefined): readonly [string, string] | null {
  if (agent === undefined) return null;
  return agent.startsWith("owner:") ? ["owner", agent.slice(6)] : ["agent", agent];
}

/** `undefined` is nothing in JSON. */
export function nulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value ?? null]));
}

/** A read as Python takes it. */
export function forPython({ agent, ...rest }: ReadCase): Record<string, unknown> {
  return { ...nulls(rest), principal: principalOf(agent) };
}
