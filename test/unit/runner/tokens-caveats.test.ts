import { describe, expect, it } from "vitest";
import { caveatsOf, readCaveat } from "#runner/index.js";
import { requested, useRequest } from "../../support/uses.js";

const nobody = { user: undefined, harness: undefined, folder: "/", repository: undefined, branch: undefined };

describe("a caveat", () => {
  it.each([
    "secret = stripe/api-key",
    "secret = stripe/*",
    "secret = **",
    "secret = db/url | stripe/*",
    "group = shop",
    "group = sh*",
    "environment = production",
    "environment = staging | prod*",
    "repo = github.com/acme/shop",
    "repo = github.com/acme/*",
    "repo = https://github.com/acme/shop.git",
    "branch = feature/*",
    "branch = feature/**",
    "agent = bot",
    "user = eric",
    "command = npm run deploy",
    "command = npm run *",
    "command = npm **",
    "command = git push | npm **",
    "uses = 3",
    "time-before = 2026-11-22T10:00:00Z",
    "time-before = 2026-11-22T10:00:00.5+01:00",
  ])("%s holds", (text) => {
    expect(readCaveat(text)?.allows(useRequest())).toBe(true);
  });

  it.each([
    "secret = stripe",
    "secret = stripe/api",
    "secret = db/*",
    "secret = Stripe/*",
    "group = s",
    "group = db",
    "environment = prod",
    "repo = github.com/acme/*/shop",
    "repo = gitlab.com/acme/shop",
    "branch = feature",
    "branch = main",
    "agent = bo",
    "agent = owner:bot",
    "user = root",
    "command = npm run",
    "command = npm run deploy --force",
    "command = run deploy",
    "command = /usr/bin/npm **",
  ])("%s does not hold", (text) => {
    expect(readCaveat(text)?.allows(useRequest())).toBe(false);
  });

  it.each([
    "",
    "secret",
    "secret=stripe/*",
    "secret = ",
    "secret =  stripe/*",
    "secret = stripe/* ",
    " secret = stripe/*",
    "Secret = stripe/*",
    "secret = *",
    "secret = api*",
    "secret = stripe/**key",
    "secret = stripe//key",
    "secret = a |  | b",
    "command = /opt/** x",
    "group = **",
    "repo = *",
    "ip = 10.0.0.1",
    "constructor = x",
    "uses = 0",
    "uses = -1",
    "uses = 1e3",
    "uses = 5 | 6",
    "uses = 10000000000",
    "time-before = tomorrow",
    "time-before = 2026-11-22",
    "time-before = 2026-11-22T10:00:00",
    "time-before = 2026-02-30T10:00:00Z",
    "time-before = 2026-11-22T25:00:00Z",
    `secret = ${"a".repeat(1100)}`,
  ])("%j is none", (text) => {
    expect(readCaveat(text)).toBeUndefined();
  });

  it("has to fit each secret of a use, by one of its patterns or another", () => {
    const both = useRequest({ secrets: [requested("stripe/api-key", ["stripe"], "test"), requested("token", ["default"], "live")] });
    const holds = (text: string) => readCaveat(text)!.allows(both);
    expect(holds("secret = stripe/*")).toBe(false);
    expect(holds("secret = stripe/* | token")).toBe(true);
    expect(holds("secret = stripe/* | default/*")).toBe(true);
    expect(holds("group = stripe")).toBe(false);
    expect(holds("group = stripe | default")).toBe(true);
    expect(holds("environment = test")).toBe(false);
    expect(holds("environment = test | live")).toBe(true);
  });

  it("does not hold for what is not known", () => {
    const unknown = useRequest({
      secrets: [requested("stripe/api-key", [])],
      principal: { role: "unknown", name: undefined, identity: "age1x" },
      invocation: nobody,
      command: undefined,
    });
    for (const text of ["group = *", "environment = *", "repo = **", "branch = **", "agent = *", "user = *", "command = **"])
      expect([text, readCaveat(text)!.allows(unknown)]).toEqual([text, false]);
  });

  it("tells an agent from an owner of the same name", () => {
    const owner = useRequest({ principal: { role: "owner", name: "bot", identity: "age1x" } });
    expect(readCaveat("agent = bot")!.allows(owner)).toBe(false);
    expect(readCaveat("agent = *")!.allows(owner)).toBe(false);
    expect(readCaveat("agent = owner:bot")!.allows(owner)).toBe(true);
  });

  it("does not let a program's path lead out of the folder that it names", () => {
    const called = (program: string) => useRequest({ command: [program] });
    const caveat = readCaveat("command = /opt/*/sh **")!;
    expect(caveat.allows(called("/opt/tools/sh"))).toBe(true);
    expect(caveat.allows(called("/opt/../sh"))).toBe(false);
    expect(readCaveat("command = npm **")!.allows(called("./npm"))).toBe(false);
    expect(readCaveat("command = * x")!.allows(useRequest({ command: ["npm", "x"] }))).toBe(true);
    expect(readCaveat("command = a b")!.allows(useRequest({ command: ["a b"] }))).toBe(false);
  });

  it("is made of what a person gives, and only of what can be read again", () => {
    expect(
      caveatsOf({ secret: ["stripe/*", "db/url"], branch: ["main"], uses: 2, until: new Date("2026-11-22T10:00:00Z"), group: [] }),
    ).toEqual(["secret = stripe/* | db/url", "branch = main", "uses = 2", "time-before = 2026-11-22T10:00:00.000Z"]);
    for (const wrong of [{ secret: ["*"] }, { branch: [""] }, { branch: ["a | b"] }, { user: [" x"] }, { uses: 0 }, { uses: 1.5 }])
      expect(() => caveatsOf(wrong)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  });
});
