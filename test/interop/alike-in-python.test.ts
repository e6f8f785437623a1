import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { decide, parsePolicy } from "#runner/index.js";
import { parseIdentity } from "#vault/age/identity.js";
import { auditLine, otlpBody } from "#vault/audit/audit-line.js";
import { VaultError } from "#vault/errors.js";
import { tidyEvent, type Outcome } from "#vault/record/audit-event.js";
import { formatHeader, isProvenBy } from "#vault/spool/segment-header.js";
import { headerDigest, openLine, sealLine } from "#vault/spool/segment-lines.js";
import { formatSpoolRow } from "#vault/spool/spool-row.js";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { rounds } from "../support/slow.js";
import { use } from "../unit/runner/requests.js";

const SDK = resolve(import.meta.dirname, "../../sdk-python/src");
const KEY = readFileSync(resolve(import.meta.dirname, "../../fixtures/conformance/keys/bot.key"), "utf8")
  .split("\n")
  .find((line) => line.startsWith("AGE-"))!;
const { python } = pythonEnvironment() as { readonly python?: string };

const of = <T>(...values: readonly T[]) => fc.constantFrom(...values);
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
const policies = fc.record({
  version: fc.oneof({ weight: 19, arbitrary: of<unknown>(1, 2) }, { weight: 1, arbitrary: of<unknown>(3, "1", null) }),
  rules: fc.array(rule, { maxLength: 5 }),
});
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const requests = fc.record({
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
const events = fc.record({
  action: fc.constant("get"),
  outcome: of<Outcome>("done", "denied", "failed"),
  who: maybe(fc.string({ unit: "binary" })),
  identity: maybe(fc.string()),
  harness: maybe(fc.string()),
  secrets: maybe(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 })),
  folder: maybe(of("/srv/\ud800x", "/a\u2028b", '\u0007\u001f\u007f"\\', `/${"ä𝄞".repeat(2000)}`, "/srv")),
  repository: maybe(fc.string({ unit: "grapheme" })),
  branch: maybe(fc.string()),
  reason: maybe(fc.string({ unit: "binary-ascii" })),
});

describe.skipIf(python === undefined)("Python", () => {
  const count = rounds(300, 2000, "POLICY_CASES");
  const policyCases = fc.sample(fc.tuple(policies, requests), { numRuns: count, seed: 14 });
  const spoolCases = fc.sample(events, { numRuns: 60, seed: 14 }).map((event, index) => spoolCase(event, index));
  let answer: { readonly decided: unknown[]; readonly written: Record<string, string>[] };

  beforeAll(() => {
    const request = {
      policy: policyCases.map(([policy, { agent, ...rest }]) => ({
        policy: JSON.stringify(policy),
        request: { ...nulls(rest), principal: principalOf(agent) },
      })),
      spool: spoolCases.map(({ sent }) => sent),
    };
    const outcome = spawnSync(python!, [join(import.meta.dirname, "alike-in-python.py")], {
      input: JSON.stringify(request),
      env: { ...process.env, PYTHONPATH: SDK },
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    answer = JSON.parse(outcome.stdout) as typeof answer;
  }, 120_000);

  it("decides on reads as Node does", () => {
    const results = policyCases.map(([policy, request]) => decidedHere(JSON.stringify(policy), request));
    expect(results.some((result) => result === "INVALID_POLICY")).toBe(true);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBeGreaterThan(6);
    for (const [index, result] of results.entries())
      expect([policyCases[index], answer.decided[index]]).toEqual([policyCases[index], result]);
  });

  it("writes the bytes of a spool, of a line and of a collector's request that Node writes", () => {
    for (const [index, { written }] of spoolCases.entries()) {
      const { proof, ...bytes } = answer.written[index]!;
      expect(bytes).toEqual(written.bytes);
      expect(isProvenBy({ ...written.header, proof: proof! }, parseIdentity(KEY))).toBe(true);
      expect(openLine(written.header.key, headerDigest("first line"), index + 2, bytes["line"]!)).toBe(bytes["row"]);
    }
  });
});

function decidedHere(policy: string, { secret, ...given }: ReturnType<typeof sampleRequest>): unknown {
  try {
    const request = use({ ...given, action: "read", door: "sdk", secrets: [secret] });
    const decision = decide(parsePolicy(Buffer.from(policy), "policy.yaml"), request);
    return [decision.allowed, decision.secrets[0]!.rule?.position ?? null, decision.approval];
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}

const sampleRequest = () => fc.sample(requests, 1)[0]!;

function principalOf(agent: string | undefined): readonly [string, string] | null {
  if (agent === undefined) return null;
  return agent.startsWith("owner:") ? ["owner", agent.slice(6)] : ["agent", agent];
}

function nulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value ?? null]));
}

function spoolCase(event: ReturnType<typeof sampleEvent>, index: number) {
  const time = new Date(Date.UTC(2026, 10, 29, 1, 2, 3, index * 7)).toISOString();
  const key = createHash("sha256").update(String(index)).digest();
  const [vault, segment] = ["898c73ea-389b-4e08-bed1-cf99ae1bfee5", "ab".repeat(16)];
  const header = {
    vault,
    segment,
    key: new Uint8Array(key),
    machine: "m0123456789abcdef",
    writer: { pid: 7, start: "99", host: "abcdef" },
    started: time,
    identity: "age1",
  };
  const row = { time, event: tidyEvent(event) };
  const text = formatSpoolRow(row);
  const named = { ...row, id: "id:1", vault };
  const { writer, ...flat } = header;
  return {
    sent: {
      event: nulls(event),
      time,
      header: { ...flat, ...writer, key: key.toString("base64") },
      key: KEY,
      first_line: "first line",
      line: index + 2,
    },
    written: {
      header,
      bytes: {
        row: text,
        header: formatHeader(header, "proof"),
        line: sealLine(header.key, headerDigest("first line"), index + 2, text),
        audit_line: auditLine(named),
        otlp: otlpBody(named),
      },
    },
  };
}

const sampleEvent = () => fc.sample(events, 1)[0]!;
