import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { importMacaroon, newMacaroon } from "macaroon";
import { beforeEach, describe, expect, it } from "vitest";
import type { Ledger } from "#ledger/index.js";
import { attenuate, mint, parseToken, TOKEN_PREFIX, verifyToken, type MintRequest, type UseRequest } from "#runner/index.js";
import { addCaveat, createMacaroon, encodeMacaroon, type Macaroon } from "#runner/tokens/macaroon.js";
import { presentedToken, VaultFiles } from "#vault/index.js";
import { LedgerHome, VAULT } from "../support/ledger.js";
import { requested, useRequest } from "../support/uses.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const REQUESTER = { who: "eric" };

let home: LedgerHome;
let ledger: Ledger;

beforeEach(async () => {
  home = await LedgerHome.make();
  ledger = await home.open();
});

async function minted(request: MintRequest = { secret: ["stripe/*"] }): Promise<string> {
  return (await mint(home.context(), { ledger, requester: REQUESTER, files: new VaultFiles(home.home) }, request)).token;
}

/** What comes of a use: the error's code, or `used`. */
async function outcome(token: string, use: Partial<UseRequest> = {}, now = home.now): Promise<string> {
  try {
    await verifyToken(ledger.tokens, token, useRequest(use), now);
    return "used";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const textOf = (macaroon: Macaroon) => TOKEN_PREFIX + Buffer.from(encodeMacaroon(macaroon)).toString("base64url");
const other = { secrets: [requested("db/url")] };

describe("a token", () => {
  it("allows what it was minted for, and names what it does not hold for", async () => {
    const token = await minted({ secret: ["stripe/*"], branch: ["feature/*"], agent: ["bot"] });
    expect(token).toMatch(/^avt1_[A-Za-z0-9_-]{80,}$/);
    expect(await verifyToken(ledger.tokens, token, useRequest(), home.now)).toMatchObject({
      caveats: ["secret = stripe/*", "branch = feature/*", "agent = bot", expect.stringMatching(/^time-before = /)],
    });
    await expect(verifyToken(ledger.tokens, token, useRequest(other), home.now)).rejects.toMatchObject({
      code: "TOKEN_DENIED",
      message: expect.stringContaining("secret = stripe/*"),
    });
  });

  it("is what the package macaroon reads and attenuates", async () => {
    const token = await minted();
    const theirs = importMacaroon(Buffer.from(token.slice(TOKEN_PREFIX.length), "base64url"));
    theirs.addFirstPartyCaveat("branch = main");
    const attenuated = TOKEN_PREFIX + Buffer.from(theirs.exportBinary()).toString("base64url");
    expect(attenuated).toBe(attenuate(token, ["branch = main"]));
    expect(await outcome(attenuated)).toBe("TOKEN_DENIED");
    expect(await outcome(attenuated, { invocation: { ...useRequest().invocation, branch: "main" } })).toBe("used");
  });

  it("is refused without a key of its own, whatever text it is", async () => {
    for (const text of ["", " ", "avt1_", "avt2_AAAA", `${await minted()}=`, `${await minted()} `, `avt1_${"A".repeat(20_000)}`])
      expect([text.slice(0, 10), await outcome(text)]).toEqual([text.slice(0, 10), "TOKEN_INVALID"]);
  });

  it("that is present and empty is no token that is absent", async () => {
    expect(presentedToken({ env: {} })).toBeUndefined();
    expect(presentedToken({ env: { AGENT_VAULT_TOKEN: "" } })).toBe("");
    expect(presentedToken({ env: { AGENT_VAULT_TOKEN: "a" } }, "b")).toBe("b");
    expect(await outcome(presentedToken({ env: { AGENT_VAULT_TOKEN: "" } })!)).toBe("TOKEN_INVALID");
  });
});

describe("a forger of a token", () => {
  it("gets nowhere by taking caveats away, putting them in another order, or writing others", async () => {
    const { macaroon } = parseToken(await minted({ secret: ["stripe/*"], uses: 1 }));
    const [first, second, third] = macaroon.caveats as [string, string, string];
    const forged = [
      [],
      [first],
      [first, second],
      [second, first, third],
      [first, third, second],
      [first, first, second, third],
      ["secret = **", second, third],
      [first, "uses = 9", third],
      [first, second, "time-before = 2099-01-01T00:00:00Z"],
      ["secret = **", ...macaroon.caveats],
      [...macaroon.caveats, "secret = **"],
    ];
    for (const caveats of forged)
      expect([caveats, await outcome(textOf({ ...macaroon, caveats }), other)]).toEqual([caveats, "TOKEN_INVALID"]);
    expect(await outcome(textOf(macaroon))).toBe("used");
  });

  it("gets nowhere by signing with what can be known", async () => {
    const { macaroon, root, id } = parseToken(await minted());
    const sign = (key: Uint8Array) =>
      textOf(["secret = **"].reduce(addCaveat, createMacaroon(key, macaroon.identifier, macaroon.location)));
    for (const key of [new Uint8Array(32), macaroon.signature, Buffer.from(root, "hex"), Buffer.from(id), Buffer.from(VAULT)])
      expect(await outcome(sign(key))).toBe("TOKEN_INVALID");
    // The present signature signs what is added to it, and nothing in front of it.
    const extended = createHmac("sha256", macaroon.signature).update("secret = **").digest();
    expect(await outcome(textOf({ ...macaroon, caveats: ["secret = **"], signature: extended }))).toBe("TOKEN_INVALID");
  });

  it("gets nowhere by naming another root, token, vault or place", async () => {
    const { macaroon, vault, root, id } = parseToken(await minted());
    const named = (identifier: string, location = macaroon.location) => outcome(textOf({ ...macaroon, identifier, location }));
    expect(await named(`${vault}/${root}/0000000000000000`)).toBe("TOKEN_INVALID");
    expect(await named(`${vault}/0000000000000000/${id}`)).toBe("TOKEN_REVOKED");
    expect(await named(`7c1f5a70-0000-4000-8000-00000000ffff/${root}/${id}`)).toBe("TOKEN_INVALID");
    expect(await named(macaroon.identifier, "elsewhere")).toBe("TOKEN_INVALID");
    const theirs = newMacaroon({ identifier: macaroon.identifier, location: "agent-vault", rootKey: new Uint8Array(32), version: 2 });
    expect(await outcome(TOKEN_PREFIX + Buffer.from(theirs.exportBinary()).toString("base64url"))).toBe("TOKEN_INVALID");
  });

  it("gets nowhere by turning any of its characters into another", async () => {
    const token = await minted({ secret: ["stripe/*"] });
    const alphabet = fc.stringMatching(/^[\w-]$/);
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), alphabet, async (at, character) => {
        fc.pre(token[at] !== character);
        const forged = token.slice(0, at) + character + token.slice(at + 1);
        expect(await outcome(forged)).toMatch(/^TOKEN_(?:INVALID|REVOKED)$/);
      }),
      { numRuns: 200 },
    );
  });

  it("cannot bring a token to another vault's ledger", async () => {
    const token = await minted();
    const elsewhere = await home.open({ vault: "7c1f5a70-0000-4000-8000-00000000ffff" });
    await expect(verifyToken(elsewhere.tokens, token, useRequest(), home.now)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
    const machine = await LedgerHome.make();
    await expect(verifyToken((await machine.open()).tokens, token, useRequest(), home.now)).rejects.toMatchObject({
      code: "TOKEN_REVOKED",
    });
  });
});

describe("a holder who attenuates a token", () => {
  it("can only take away, whatever is added", async () => {
    const token = await minted({ secret: ["stripe/*"], agent: ["bot"] });
    const caveat = fc.oneof(
      fc.constantFrom("secret = **", "secret = db/*", "agent = *", "uses = 1000", "time-before = 2099-01-01T00:00:00Z", "anything = goes"),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(caveat, { minLength: 1, maxLength: 4 }), async (caveats) => {
        expect(await outcome(attenuate(token, caveats), other)).toBe("TOKEN_DENIED");
      }),
      { numRuns: 60 },
    );
    expect(await outcome(attenuate(token, ["secret = **"]))).toBe("used");
    expect(await outcome(attenuate(token, ["secret = db/*"]))).toBe("TOKEN_DENIED");
    expect(await outcome(attenuate(token, ["secret = stripe/api-key"]))).toBe("used");
  });

  it("finds that unknown and malformed caveats hold for nothing", async () => {
    const token = await minted({});
    for (const caveat of ["ip = 10.0.0.1", "", "secret", "secret = ", "uses = 0", "time-before = soon", "\u0000", "SECRET = **"])
      expect([caveat, await outcome(attenuate(token, [caveat]))]).toEqual([caveat, "TOKEN_DENIED"]);
  });

  it("gets a shorter time and fewer uses, and not longer and more", async () => {
    const token = await minted({ ttlMs: HOUR, uses: 3 });
    const soon = new Date(home.now.getTime() + HOUR / 2);
    const short = attenuate(token, [`time-before = ${soon.toISOString()}`]);
    const long = attenuate(token, ["time-before = 2099-01-01T00:00:00Z", "uses = 99"]);
    const once = attenuate(token, ["uses = 1"]);
    expect(await outcome(short, {}, soon)).toBe("TOKEN_EXPIRED");
    expect(await outcome(long, {}, new Date(home.now.getTime() + 2 * HOUR))).toBe("TOKEN_EXPIRED");
    expect([await outcome(once), await outcome(once)]).toEqual(["used", "TOKEN_USED_UP"]);
    // The one use of that token was one of the three.
    expect([await outcome(long), await outcome(token), await outcome(token)]).toEqual(["used", "used", "TOKEN_USED_UP"]);
    expect(await outcome(attenuate(token, ["uses = 1", "branch = **"]))).toBe("TOKEN_USED_UP");
  });

  it("has a use counted only when everything else holds", async () => {
    const token = attenuate(await minted({ uses: 1 }), ["secret = stripe/*"]);
    expect(await outcome(token, other)).toBe("TOKEN_DENIED");
    expect(await outcome(token, {}, new Date(home.now.getTime() + DAY))).toBe("TOKEN_EXPIRED");
    expect(await outcome(attenuate(token, ["x = y"]))).toBe("TOKEN_DENIED");
    expect([await outcome(token), await outcome(token)]).toEqual(["used", "TOKEN_USED_UP"]);
  });

  it("cannot make a token that is too long to be one", async () => {
    const long = Array.from({ length: 20 }, (_, index) => `branch = ${index}${"x".repeat(1000)}`);
    const token = await minted();
    expect(() => attenuate(token, long)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  });
});

describe("a token that was taken back", () => {
  it("is dead, with all that were attenuated from it", async () => {
    const token = await minted();
    const attenuated = attenuate(token, ["branch = **"]);
    await ledger.tokens.revoke(parseToken(token).id, REQUESTER);
    expect([await outcome(token), await outcome(attenuated), await outcome(await minted())]).toEqual([
      "TOKEN_REVOKED",
      "TOKEN_REVOKED",
      "used",
    ]);
  });

  it("is dead after revoke-all, and stays so when others are minted", async () => {
    const tokens = [await minted(), attenuate(await minted(), ["branch = **"]), await minted({ uses: 5 })];
    expect(await outcome(tokens[2]!)).toBe("used");
    await ledger.revokeAll(REQUESTER);
    for (const token of tokens) expect(await outcome(token)).toBe("TOKEN_REVOKED");
    expect(await outcome(await minted())).toBe("used");
    for (const token of tokens) expect(await outcome(token)).toBe("TOKEN_REVOKED");
  });

  it("is not counted as used by a use that began before", async () => {
    const token = await minted({ uses: 1 });
    const { tokens } = ledger;
    // Revoked between the look and the count.
    const store = Object.assign(Object.create(tokens) as typeof tokens, {
      vault: tokens.vault,
      find: async (root: string, id: string) => {
        const found = await tokens.find(root, id);
        await ledger.revokeAll(REQUESTER);
        return found;
      },
      spend: tokens.spend.bind(tokens),
    });
    await expect(verifyToken(store, token, useRequest(), home.now)).rejects.toMatchObject({ code: "TOKEN_REVOKED" });
  });
});

describe("a clock that is off", () => {
  it("does not bring an expired token back by going before the time when it was minted", async () => {
    const token = await minted({ ttlMs: HOUR });
    const at = (time: number) => outcome(token, {}, new Date(home.now.getTime() + time));
    expect(await at(2 * HOUR)).toBe("TOKEN_EXPIRED");
    expect(await at(-DAY)).toBe("TOKEN_DENIED");
    // Clocks of a machine are set by less than that all the time.
    expect(await at(-30_000)).toBe("used");
    expect(await outcome(token, {}, new Date(Number.NaN))).toBe("TOKEN_EXPIRED");
  });
});

describe("32 processes with a token for 5 uses", () => {
  it("get exactly 5, whether they have it as it was minted or attenuated", async () => {
    home.now = new Date();
    const hexkey = (await home.key()).toString("hex");
    const token = await minted({ uses: 5, ttlMs: DAY });
    const attenuated = attenuate(token, ["secret = stripe/*"]);
    const env = { PATH: process.env["PATH"], AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: hexkey };
    const script = join(import.meta.dirname, "token-use.mjs");
    const processes = Array.from({ length: 32 }, (_, number) =>
      spawn(process.execPath, [script, VAULT, number % 2 === 0 ? token : attenuated], { env, stdio: ["pipe", "pipe", "inherit"] }),
    );
    // All at once, when the last of them is ready.
    await Promise.all(processes.map(({ stdout }) => once(stdout, "data")));
    const ends = processes.map(({ stdout }) => text(stdout));
    for (const { stdin } of processes) stdin.write("go");
    const outcomes = await Promise.all(ends);
    expect(outcomes.toSorted()).toEqual([...Array<string>(27).fill("TOKEN_USED_UP"), ...Array<string>(5).fill("used")]);
  });
});
