import { describe, expect, it } from "vitest";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const vault = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "sk", "db/url": "u" });
});

const RECORDED = { AGENT_VAULT_AUDIT: "on" };

/** Runs a command that has to work, with its words on standard output. */
async function ok(box: Sandbox, args: readonly string[], env: Readonly<Record<string, string>> = {}, input?: string): Promise<string> {
  const outcome = await box.cli(args, { env: { ...RECORDED, ...env }, ...(input !== undefined && { input }) });
  expect([outcome.stderr, outcome.code]).toEqual(["", 0]);
  return outcome.stdout.toString();
}

async function fails(
  box: Sandbox,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<[string | undefined, number | null]> {
  const outcome = await box.cli(args, { env: { ...RECORDED, ...env } });
  expect(outcome.stdout.toString()).toBe("");
  return [errorCode(outcome), outcome.code];
}

it("a token for what the vault does not have is made with a warning", async () => {
  const box = await vault();
  const mint = (...flags: string[]) => box.cli(["token", "mint", ...flags], { env: RECORDED });
  for (const flags of [
    ["--secret", "stripe/none"],
    ["--group", "none"],
    ["--agent", "none"],
  ]) {
    const { code, stderr } = await mint(...flags);
    expect([code, stderr]).toEqual([0, expect.stringContaining("none")]);
  }
  expect((await mint("--secret", "stripe/*", "--group", "stripe", "--agent", "owner:eric")).stderr).toBe("");
});

it("session info is another name of session list", async () => {
  const box = await vault();
  expect(await ok(box, ["session", "info", "--json"])).toBe(await ok(box, ["session", "list", "--json"]));
});

describe("token", () => {
  it("mints, attenuates, inspects, verifies, lists and revokes", async () => {
    const box = await vault();
    const token = (
      await ok(box, ["token", "mint", "--secret", "stripe/*", "--secret", "db/url", "--uses", "5", "--note", "nightly"])
    ).trimEnd();
    expect(token).toMatch(/^avt1_[\w-]+$/);
    const narrow = (await ok(box, ["macaroon", "attenuate", "--ttl", "10m", "--branch", "main", "-"], {}, `${token}\n`)).trimEnd();

    const inspected = JSON.parse(await ok(box, ["token", "inspect", narrow, "--json"])) as { id: string; caveats: string[] };
    expect(inspected).toMatchObject({ location: "agent-vault", verified: false });
    expect(inspected.caveats.map((caveat) => caveat.replace(/\d{4}-.*Z/, "TIME"))).toEqual([
      "secret = stripe/* | db/url",
      "uses = 5",
      "time-before = TIME",
      "branch = main",
      "time-before = TIME",
    ]);
    // Its holder may ask whether it holds, and that is no use of it.
    expect(JSON.parse(await ok(box, ["token", "verify", "--json"], { AGENT_VAULT_TOKEN: narrow }))).toMatchObject({ id: inspected.id });
    expect(JSON.parse(await ok(box, ["token", "verify", token, "--json"]))).toMatchObject({
      id: inspected.id,
      note: "nightly",
      uses_left: 5,
    });
    expect(await ok(box, ["token", "list"])).toMatch(new RegExp(`${inspected.id} .* secret = stripe/\\* \\| db/url, uses = 5 +nightly`));

    expect(JSON.parse(await ok(box, ["token", "revoke", "-", "--json"], {}, narrow))).toEqual({ id: inspected.id, revoked: true });
    expect(await fails(box, ["token", "verify", token])).toEqual(["TOKEN_REVOKED", 6]);
    expect(await ok(box, ["token", "list", "--json"])).toBe("[]\n");
  });

  it("says what is wrong with words, and repeats no token", async () => {
    const box = await vault();
    expect(await fails(box, ["token", "inspect"])).toEqual(["USAGE", 2]);
    expect(await fails(box, ["token", "inspect", "avt1_AAAA"])).toEqual(["TOKEN_INVALID", 6]);
    expect(await fails(box, ["token", "mint", "--secret", "*"])).toEqual(["INVALID_VALUE", 2]);
    expect(await fails(box, ["token", "mint", "--ttl", "5 minutes"])).toEqual(["INVALID_VALUE", 2]);
    expect(await fails(box, ["token", "revoke", "0000000000000000"])).toEqual(["TOKEN_NOT_FOUND", 3]);
    expect(await fails(box, ["token", "mint"], { AGENT_VAULT_AUDIT: "off" })).toEqual(["LEDGER_UNAVAILABLE", 1]);
    const outcome = await box.cli(["token", "inspect", "avt1_one", "avt1_two"]);
    expect(outcome.stderr).not.toContain("avt1_");
  });

  it("lets nobody who presents one mint, list, revoke or begin anything", async () => {
    const box = await vault();
    const AGENT_VAULT_TOKEN = (await ok(box, ["token", "mint", "--secret", "stripe/*"])).trimEnd();
    const commands = [
      ["token", "mint"],
      ["token", "list"],
      ["token", "revoke", "x"],
      ["session", "start"],
      ["session", "info"],
    ];
    for (const command of [...commands, ["lease", "stripe/api-key"], ["leases"], ["revoke-all", "--yes"]]) {
      expect([command, await fails(box, command, { AGENT_VAULT_TOKEN })]).toEqual([command, ["TOKEN_DENIED", 6]]);
    }
    expect(await fails(box, ["token", "mint"], { AGENT_VAULT_TOKEN: "" })).toEqual(["TOKEN_DENIED", 6]);
  });
});

describe("session", () => {
  it("bounds the tokens that are minted in it, and ends them", async () => {
    const box = await vault();
    const exported = await ok(box, ["session", "start", "--ttl", "1h", "--name", "review", "--parent", String(process.pid)]);
    const id = /^export AGENT_VAULT_SESSION=([0-9a-f]{16})\n$/.exec(exported)![1]!;
    const inIt = { AGENT_VAULT_SESSION: id };
    const [session] = JSON.parse(await ok(box, ["session", "info", "--json"], inIt)) as [Record<string, unknown>];
    expect(session).toMatchObject({ id, name: "review", current: true, parent: process.pid });
    const minted = JSON.parse(await ok(box, ["token", "mint", "--ttl", "8h", "--json"], inIt)) as { token: string; expires: string };
    expect(minted.expires).toBe(session["expires"]);

    expect(JSON.parse(await ok(box, ["session", "end", "--json"], inIt))).toEqual({ id, tokens: 1 });
    expect(await fails(box, ["token", "verify", minted.token])).toEqual(["TOKEN_REVOKED", 6]);
    expect(await fails(box, ["token", "mint"], inIt)).toEqual(["SESSION_NOT_FOUND", 3]);
  });

  it("is none where its id was made up, or its process has ended", async () => {
    const box = await vault();
    expect(await fails(box, ["token", "mint"], { AGENT_VAULT_SESSION: "0123456789abcdef" })).toEqual(["SESSION_NOT_FOUND", 3]);
    expect(await fails(box, ["session", "start", "--parent", "4194399"])).toEqual(["USAGE", 2]);
    const { stdout } = await box.run("sh", ["-c", `"$NODE" "$CLI" session start --json --parent $$; exit`], {
      env: { ...RECORDED, NODE: process.execPath, CLI: (await import("../support/sandbox.js")).CLI },
    });
    const { id } = JSON.parse(stdout.toString()) as { id: string };
    expect(await fails(box, ["session", "info"], { AGENT_VAULT_SESSION: id })).toEqual(["SESSION_NOT_FOUND", 3]);
  });
});

describe("lease and revoke-all", () => {
  it("leases a secret with a token for it, and releases it", async () => {
    const box = await vault();
    const token = (await ok(box, ["lease", "stripe/api-key", "--ttl", "15m"])).trimEnd();
    expect(await ok(box, ["token", "verify", token])).toContain("secret = stripe/api-key");
    expect(await ok(box, ["leases"])).toMatch(/ stripe\/api-key +\w+ /);
    expect(await fails(box, ["lease", "stripe/missing"])).toEqual(["SECRET_NOT_FOUND", 3]);
    expect(JSON.parse(await ok(box, ["lease", "stripe/api-key", "--release", "--json"]))).toMatchObject([{ secret: "stripe/api-key" }]);
    expect(await fails(box, ["token", "verify", token])).toEqual(["TOKEN_REVOKED", 6]);
    expect(await ok(box, ["leases", "--json"])).toBe("[]\n");
  });

  it("ends everything, and with --rotate replaces the owner's key, which then opens the same record", async () => {
    const box = await vault();
    const token = (await ok(box, ["lease", "stripe/api-key"])).trimEnd();
    await ok(box, ["session", "start"]);
    // It takes power away at once, and asks before it replaces the key.
    expect(await fails(box, ["revoke-all", "--rotate"])).toEqual(["CONFIRMATION_REQUIRED", 6]);
    expect(JSON.parse(await ok(box, ["revoke-all", "--json"]))).toMatchObject({ tokens: 0, sessions: 0, leases: 0 });
    const outcome = await box.cli(["revoke-all", "--yes", "--rotate", "--json"], { env: RECORDED });
    expect(JSON.parse(outcome.stdout.toString())).toMatchObject({
      rotated: { owner: expect.any(String) },
    });
    expect(await fails(box, ["token", "verify", token])).toEqual(["TOKEN_REVOKED", 6]);
    expect(await ok(box, ["leases", "--json"])).toBe("[]\n");
    expect(await ok(box, ["get", "stripe/api-key"])).toBe("sk");
    const log = JSON.parse(await ok(box, ["audit", "--json"])) as { action: string }[];
    expect(log.map(({ action }) => action)).toEqual(expect.arrayContaining(["lease", "session start", "revoke-all", "get"]));
  });
});
