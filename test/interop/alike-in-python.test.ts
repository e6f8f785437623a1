import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parseIdentity } from "#vault/age/identity.js";
import { isProvenBy } from "#vault/spool/segment-header.js";
import { headerDigest, openLine } from "#vault/spool/segment-lines.js";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { rounds, timeLimitMs } from "../support/slow.js";
import { decidedByNode, forPython, policies, requests } from "./read-cases.js";
import { events, spoolCase } from "./spool-cases.js";

const SDK = resolve(import.meta.dirname, "../../sdk-python/src");
const KEY = readFileSync(resolve(import.meta.dirname, "../../fixtures/conformance/keys/bot.key"), "utf8")
  .split("\n")
  .find((line) => line.startsWith("AGE-"))!;
const { python } = pythonEnvironment() as { readonly python?: string };

describe.skipIf(python === undefined)("Python", () => {
  const count = rounds(300, 2000, "POLICY_CASES");
  const policyCases = fc.sample(fc.tuple(policies, requests), { numRuns: count, seed: 14 });
  const spoolCases = fc.sample(events, { numRuns: 60, seed: 14 }).map((event, index) => spoolCase(event, index, KEY));
  let answer: { readonly decided: unknown[]; readonly written: Record<string, string>[] };

  beforeAll(() => {
    const request = {
      policy: policyCases.map(([policy, request]) => ({ policy: JSON.stringify(policy), request: forPython(request) })),
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
  }, timeLimitMs(120_000));

  it("decides on reads as Node does", () => {
    const results = policyCases.map(([policy, request]) => decidedByNode(JSON.stringify(policy), request));
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
