import { describe, expect, it } from "vitest";
import { effectOfSetting, readSecret, set, setMany } from "#vault/index.js";
import { prepared } from "../../support/sandbox.js";
import { makeVault } from "../../support/vault.js";

const machine = prepared(async (box) => {
  await makeVault(box, { "app/token": "one" }, { bob: ["app"] });
});

const bytes = (text: string) => Buffer.from(text);
type Box = Awaited<ReturnType<typeof machine>>;
const valueOf = async (box: Box, path: string) => Buffer.from((await readSecret(box.context(), box.vault, path)).value).toString();

describe("many secrets set at once", () => {
  it("are one change and one commit, for the agents of their groups", async () => {
    const box = await machine();
    const commits = Number(box.git("rev-list", "--count", "HEAD"));
    const secrets = [
      { path: "app/token", value: bytes("two") },
      { path: "app/url", value: bytes("https://x"), attributes: { environment: "production" } },
      { path: "db/empty", value: bytes("") },
    ];
    const stored = await setMany(box.context(), { vault: box.vault, secrets });
    expect(stored).toMatchObject([
      { secret: "app/token", created: false, version: 2, agents: ["bob"] },
      { secret: "app/url", created: true, version: 1, agents: ["bob"] },
      { secret: "db/empty", created: true, bytes: 0, agents: [] },
    ]);
    expect(Number(box.git("rev-list", "--count", "HEAD"))).toBe(commits + 1);
    expect([await valueOf(box, "app/token"), await valueOf(box, "app/url"), await valueOf(box, "db/empty")]).toEqual([
      "two",
      "https://x",
      "",
    ]);
  });

  it.each([
    ["a path that is there twice", "INVALID_NAME", { path: "app/b", value: bytes("2") }],
    ["a name that differs in case only from another that is set", "ALREADY_EXISTS", { path: "app/B", value: bytes("2") }],
    ["a name that differs in case only from one that is there", "ALREADY_EXISTS", { path: "APP/x", value: bytes("2") }],
    ["a value over the vault's limit", "VALUE_TOO_LARGE", { path: "app/c", value: new Uint8Array(2 ** 20 + 1) }],
    ["an agent that is not there", "AGENT_NOT_FOUND", { path: "app/c", value: bytes("2"), agents: ["eve"] }],
  ])("are all refused for %s", async (_, code, bad) => {
    const box = await machine();
    const head = box.git("rev-parse", "HEAD");
    const request = { vault: box.vault, secrets: [{ path: "app/b", value: bytes("1") }, bad] };
    await expect(setMany(box.context(), request)).rejects.toMatchObject({ code, message: expect.stringContaining(bad.path.slice(4)) });
    expect([box.git("rev-parse", "HEAD"), box.git("status", "--porcelain")]).toEqual([head, ""]);
  });
});

it("tells what setting a value would do, before it is set", async () => {
  const box = await machine();
  await set(box.context(), { vault: box.vault, path: "app/same", value: bytes("same") });
  const values = ["app/token", "app/same", "app/new"].map((path) => ({ path, value: bytes("same") }));
  expect(await effectOfSetting(box.context(), { vault: box.vault, key: undefined }, values)).toEqual(["changed", "unchanged", "new"]);
});
