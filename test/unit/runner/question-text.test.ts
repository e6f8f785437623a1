import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { approvedUse, questionText, SessionApprovals, type UseRequest } from "#runner/index.js";
import { HOSTILE, REQUEST } from "./use-request.js";
import { lacks } from "../../support/programs.js";
import { rounds } from "../../support/slow.js";

const asked = (changes: Partial<UseRequest>, room?: { width: number; lines: number }) => questionText({ ...REQUEST, ...changes }, room);

describe("the question", () => {
  it("says who, why, where, which secrets and which command, the worst secret first and the command last", () => {
    const { text, complete } = asked({
      invocation: { ...REQUEST.invocation, harness: "claude-code" },
    });
    expect(text).toBe(`agent bot wants to run a command with 2 secrets.

Who         | agent bot, key age1qyqszqgpqyqs...3290gq
Started by  | seems to be claude-code
Reason      | to deploy
Folder      | /home/eric/shop
Repository  | https://example.com/shop, branch main
Secrets     | stripe/api-key (production, read-write)
            | db/url (staging, read)
Command     | npm run deploy -- '--to=the shop'`);
    expect(complete).toBe(true);
  });

  it.skipIf(lacks("bash"))("shows a word of any kind so that bash takes it for the same", () => {
    const words = [
      ...Object.values(HOSTILE),
      "",
      "plain",
      "it's",
      "$HOME",
      "a\\u001b",
      "\\n\n'\\",
      "ünï",
      "שלום 1 שלום",
      "\u0001\u0008\u000E1\u{1F600}",
    ];
    const { text } = asked({ command: words }, { width: 10_000, lines: 10 });
    const shown = /Command {5}\| (.*)$/.exec(text)![1]!;
    expect(shown.replace("e\u0301\u0301", "")).toMatch(/^[ -~ünï😀]+$/u);
    const taken = execFileSync("bash", ["--norc", "-c", `printf '%s\\0' ${shown}`], { env: { LC_ALL: "C.UTF-8" }, encoding: "utf8" });
    expect(taken.split("\0").slice(0, -1)).toEqual(words);
  });

  it("lets nothing of it act, hide or look like a line of ours, wherever it is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...Object.values(HOSTILE)), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })), {
          minLength: 1,
          maxLength: 5,
        }),
        (texts) => {
          const hostile = texts.join("");
          const { text } = asked(
            {
              command: [hostile, hostile],
              reason: hostile,
              service: hostile,
              invocation: { user: hostile, harness: hostile, folder: hostile, repository: hostile, branch: hostile },
              principal: { role: "agent", name: hostile.slice(0, 40), identity: hostile },
              secrets: [{ ...REQUEST.secrets[0]!, secret: hostile, environment: hostile, access: hostile }],
            },
            { width: 80, lines: 8 },
          );
          expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}|\p{M}{3}/u);
          const [title, empty, ...lines] = text.split("\n");
          expect([title!.startsWith("agent "), empty]).toEqual([true, ""]);
          for (const line of lines) {
            expect(line).toMatch(
              /^(?:Who|Started by|Service|Reason|Folder|Repository|Secrets|Command|) *(?:\| |\[ \d+ lines with \d+ characters are not shown here \]$)/,
            );
            expect(line.length).toBeLessThanOrEqual(80);
          }
          expect(lines.filter((line) => line.startsWith("Secrets"))).toHaveLength(1);
        },
      ),
      { numRuns: rounds(200, 5000) },
    );
  });

  it("counts what does not fit, in the middle, and shows both ends", () => {
    const command = ["sh", "-c", `echo begin; ${"true; ".repeat(10_000)} rm -rf end`];
    const { text, complete } = asked({ command }, { width: 80, lines: 9 });
    expect(complete).toBe(false);
    expect(text).toMatch(/Command {5}\| sh -c 'echo begin/);
    expect(text).toMatch(/\n {12}\[ 902 lines with 59532 characters are not shown here \]\n {12}\| [^]*rm -rf end'$/);
    expect(text.split("\n").length).toBeLessThan(20);
    const all = asked({ command }, { width: 80, lines: Infinity });
    expect(all.complete).toBe(true);
    expect(all.text.match(/true;/g)!.length).toBeGreaterThan(9000);
    const secrets = Array.from({ length: 500 }, (_, index) => ({ ...REQUEST.secrets[0]!, secret: `a/${index}` }));
    const many = asked({ secrets: [...secrets, REQUEST.secrets[1]!] }, { width: 80, lines: 6 });
    expect([many.complete, many.text]).toEqual([false, expect.stringMatching(/501 secrets[^]*Secrets {5}\| stripe\/api-key \(production/)]);
  });

  it("says what it does not know", () => {
    const { text } = asked({
      action: "get",
      command: undefined,
      reason: undefined,
      principal: { ...REQUEST.principal, role: "owner", name: undefined },
      invocation: { ...REQUEST.invocation, repository: undefined, branch: undefined },
      secrets: [{ ...REQUEST.secrets[0]!, environment: undefined, access: undefined }],
    });
    expect(text).toBe(`unknown owner wants to see a secret.

Who         | unknown owner, key age1qyqszqgpqyqs...3290gq
Reason      | none given
Folder      | /home/eric/shop
Secrets     | db/url (environment not stated, access not stated)`);
  });
});

describe("what is allowed for a session", () => {
  it("is what was shown, and nothing else", async () => {
    const approvals = new SessionApprovals();
    await approvals.remember(approvedUse(REQUEST));
    const isRemembered = (changes: Partial<UseRequest>) => approvals.isRemembered(approvedUse({ ...REQUEST, ...changes }));
    expect(await isRemembered({})).toBe(true);
    expect(await isRemembered({ reason: "another", secrets: REQUEST.secrets.toReversed() })).toBe(true);
    const { invocation, secrets, principal, command } = REQUEST;
    const others: Partial<UseRequest>[] = [
      { action: "get" },
      { command: ["npm run", "deploy", "--", "--to=the shop"] },
      { command: [...command!, ""] },
      { command: undefined },
      { principal: { ...principal, identity: "age1other" } },
      { secrets: secrets.slice(1) },
      { secrets: [...secrets, { ...secrets[0]!, secret: "db/other" }] },
      { secrets: secrets.map((secret) => ({ ...secret, environment: "production" })) },
      { secrets: secrets.map((secret) => ({ ...secret, access: "admin" })) },
      { invocation: { ...invocation, folder: "/" } },
      { invocation: { ...invocation, branch: "other" } },
      { invocation: { ...invocation, repository: undefined } },
      { service: "other" },
    ];
    for (const other of others) expect([other, await isRemembered(other)]).toEqual([other, false]);
  });
});
