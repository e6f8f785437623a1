import { describe, expect, it } from "vitest";
import type { Ledger } from "#ledger/index.js";
import { LedgerHome } from "../../support/ledger.js";
import { processorTimeMs } from "../../support/processor-time.js";

const REQUESTER = { who: "eric", harness: "codex" };
const HOUR = 3_600_000;
const MINUTE = 60_000;

const inAn = (home: LedgerHome, time: number) => new Date(home.now.getTime() + time);
const caveats = ["secret = stripe/*"];

async function opened(): Promise<{ home: LedgerHome; ledger: Ledger }> {
  const home = await LedgerHome.make();
  return { home, ledger: await home.open() };
}

async function reasons(ledger: Ledger): Promise<string[]> {
  return (await ledger.audit.list()).map(({ action, who }) => `${who} ${action}`);
}

describe("tokens in the ledger", () => {
  it("share one root, which is random and the same until all are revoked", async () => {
    const { home, ledger } = await opened();
    const [first, second] = [
      await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER),
      await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER),
    ];
    expect(first.root.key).toHaveLength(32);
    expect(second.root).toEqual(first.root);
    expect(second.id).not.toBe(first.id);
    await ledger.revokeAll(REQUESTER);
    const third = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    expect(third.root.id).not.toBe(first.root.id);
    expect(Buffer.from(third.root.key).equals(first.root.key)).toBe(false);
  });

  it("are found by root and id together, with what was written down", async () => {
    const { home, ledger } = await opened();
    const expires = inAn(home, HOUR);
    const { id, root } = await ledger.tokens.mint({ caveats, expires, note: "deploy" }, REQUESTER);
    expect(await ledger.tokens.find(root.id, id)).toMatchObject({
      root,
      token: { id, caveats, expires, note: "deploy", isRevoked: false },
    });
    expect(await ledger.tokens.find(root.id, "0")).toEqual({ root, token: undefined });
    expect(await ledger.tokens.find("0", id)).toEqual({ root: undefined, token: undefined });
  });

  it("are listed while they hold, and all of them where asked for", async () => {
    const { home, ledger } = await opened();
    const { id: short } = await ledger.tokens.mint({ caveats, expires: inAn(home, MINUTE) }, REQUESTER);
    const { id: revoked } = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    const { id: long } = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    expect(await ledger.tokens.revoke(revoked, REQUESTER)).toBe(true);
    expect(await ledger.tokens.revoke(revoked, REQUESTER)).toBe(false);
    home.now = inAn(home, 2 * MINUTE);
    expect((await ledger.tokens.list()).map(({ id }) => id)).toEqual([long]);
    expect((await ledger.tokens.list({ all: true })).map(({ id, isRevoked }) => [id, isRevoked])).toEqual([
      [long, false],
      [revoked, true],
      [short, false],
    ]);
    await expect(ledger.tokens.revoke("made-up", REQUESTER)).rejects.toMatchObject({ code: "TOKEN_NOT_FOUND" });
  });

  it("are forgotten a month after they expired, with all that hangs on them, and so are sessions and leases", async () => {
    const { home, ledger } = await opened();
    const count = (table: string) => home.tamper((database) => database.prepare(`SELECT * FROM ${table}`).all().length);
    const tables = ["token", "token_use", "session", "session_approval", "lease"];
    const counts = () => Promise.all(tables.map(count));
    const session = await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER);
    await ledger.sessions.approve(session.id, "db/url");
    const { lease } = await ledger.leases.take("db/url", { caveats, expires: inAn(home, HOUR) }, REQUESTER);
    await ledger.tokens.spend({ id: lease.token }, [{ counter: "a", limit: 1 }]);
    home.now = inAn(home, 29 * 24 * HOUR);
    await ledger.tokens.mint({ caveats, expires: inAn(home, 24 * HOUR) }, REQUESTER);
    expect(await counts()).toEqual([2, 1, 1, 1, 1]);
    home.now = inAn(home, 3 * 24 * HOUR);
    await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER);
    expect(await counts()).toEqual([1, 0, 1, 0, 0]);
  });

  it("count a use against all limits or none", async () => {
    const { home, ledger } = await opened();
    const token = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    const [wide, narrow] = [
      { counter: "wide", limit: 3 },
      { counter: "narrow", limit: 1 },
    ];
    expect(await ledger.tokens.spend(token, [wide, narrow])).toBeUndefined();
    expect(await ledger.tokens.spend(token, [wide, narrow])).toEqual(narrow);
    expect(await ledger.tokens.spend(token, [wide])).toBeUndefined();
    expect(await ledger.tokens.spend(token, [wide])).toBeUndefined();
    expect(await ledger.tokens.spend(token, [wide])).toEqual(wide);
    await ledger.tokens.revoke(token.id, REQUESTER);
    expect(await ledger.tokens.spend(token, [{ counter: "new", limit: 1 }])).toBe("revoked");
    expect(await ledger.tokens.spend({ id: "made-up" }, [])).toBe("revoked");
  });

  it("are not minted where that cannot be recorded", async () => {
    const { home, ledger } = await opened();
    await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    const refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END";
    await home.tamper((database) => database.exec(refuse));
    await expect(ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER)).rejects.toMatchObject({ code: "FAILED" });
    expect(await ledger.tokens.list()).toHaveLength(1);
  });
});

describe("sessions in the ledger", () => {
  it("are open until they expire or are ended, and are no one's invention", async () => {
    const { home, ledger } = await opened();
    const session = await ledger.sessions.start({ expires: inAn(home, HOUR), name: "review", parent: 4711 }, REQUESTER);
    expect(session).toMatchObject({ name: "review", harness: "codex", parent: 4711, isOpen: true });
    expect(await ledger.sessions.find(session.id)).toEqual(session);
    expect(await ledger.sessions.find("made-up")).toBeUndefined();
    home.now = inAn(home, HOUR);
    expect(await ledger.sessions.find(session.id)).toMatchObject({ isOpen: false });
    expect(await ledger.sessions.list()).toEqual([]);
  });

  it("remember approvals for themselves, and only while they are open", async () => {
    const { home, ledger } = await opened();
    const [one, other] = [
      await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER),
      await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER),
    ];
    await ledger.sessions.approve(one.id, "stripe/api-key");
    await ledger.sessions.approve(one.id, "stripe/api-key");
    expect(await ledger.sessions.isApproved(one.id, "stripe/api-key")).toBe(true);
    expect(await ledger.sessions.isApproved(one.id, "stripe")).toBe(false);
    expect(await ledger.sessions.isApproved(other.id, "stripe/api-key")).toBe(false);
    home.now = inAn(home, HOUR);
    expect(await ledger.sessions.isApproved(one.id, "stripe/api-key")).toBe(false);
    for (const id of [one.id, "made-up"])
      await expect(ledger.sessions.approve(id, "db/url")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  });

  it("take their tokens and approvals along when they end", async () => {
    const { home, ledger } = await opened();
    const { id } = await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER);
    await ledger.sessions.approve(id, "db/url");
    await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR), session: id }, REQUESTER);
    const { id: other } = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    expect(await ledger.sessions.end(id, REQUESTER)).toBe(1);
    expect((await ledger.tokens.list()).map((token) => token.id)).toEqual([other]);
    expect(await ledger.sessions.isApproved(id, "db/url")).toBe(false);
    expect(await home.tamper((database) => database.prepare("SELECT * FROM session_approval").all())).toEqual([]);
    await expect(ledger.sessions.end(id, REQUESTER)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
    await expect(ledger.tokens.mint({ caveats, expires: inAn(home, HOUR), session: id }, REQUESTER)).rejects.toMatchObject({
      code: "SESSION_NOT_FOUND",
    });
  });
});

describe("leases in the ledger", () => {
  it("run until they expire or are released, with a token each", async () => {
    const { home, ledger } = await opened();
    const { lease } = await ledger.leases.take("stripe/api-key", { caveats, expires: inAn(home, HOUR) }, REQUESTER);
    const { lease: short } = await ledger.leases.take("db/url", { caveats, expires: inAn(home, MINUTE) }, REQUESTER);
    expect(await ledger.leases.list()).toEqual([short, lease]);
    expect(lease).toMatchObject({ secret: "stripe/api-key", holder: "eric" });
    home.now = inAn(home, MINUTE);
    expect(await ledger.leases.list()).toEqual([lease]);
    expect(await ledger.leases.release("stripe/api-key", REQUESTER)).toEqual([lease]);
    expect(await ledger.leases.list()).toEqual([]);
    expect(await ledger.tokens.list()).toEqual([]);
    await expect(ledger.leases.release(lease.id, REQUESTER)).rejects.toMatchObject({ code: "FAILED" });
  });
});

describe("revokeAll", () => {
  it("ends everything at once, 100,000 tokens as one, and says so in the log", async () => {
    const { home, ledger } = await opened();
    const { root } = await ledger.tokens.mint({ caveats, expires: inAn(home, HOUR) }, REQUESTER);
    await ledger.sessions.start({ expires: inAn(home, HOUR) }, REQUESTER);
    await ledger.leases.take("db/url", { caveats, expires: inAn(home, HOUR) }, REQUESTER);
    await home.tamper((database) => {
      database.exec("BEGIN");
      const insert = database.prepare("INSERT INTO token VALUES (?, ?, NULL, NULL, '[]', 0, ?, NULL)");
      for (let number = 0; number < 100_000; number++) insert.run([`bulk-${number}`, root.id, inAn(home, HOUR).getTime()]);
      insert.close();
      database.exec("COMMIT");
    });
    // Another process has changed the files, so they are looked through once.
    expect((await ledger.sessions.list()).length).toBe(1);

    const timeMs = await processorTimeMs(async () =>
      expect(await ledger.revokeAll(REQUESTER)).toEqual({ tokens: 100_002, sessions: 1, leases: 1 }),
    );
    expect(timeMs).toBeLessThan(1000);

    expect(await ledger.tokens.list()).toEqual([]);
    expect((await ledger.tokens.find(root.id, "bulk-7")).root).toBeUndefined();
    expect(await ledger.tokens.spend({ id: "bulk-7" }, [])).toBe("revoked");
    expect(await ledger.sessions.list()).toEqual([]);
    expect(await ledger.leases.list()).toEqual([]);
    expect(await ledger.revokeAll(REQUESTER)).toEqual({ tokens: 0, sessions: 0, leases: 0 });
    expect(await reasons(ledger)).toEqual([
      "eric token mint",
      "eric session start",
      "eric token mint",
      "eric lease",
      "eric revoke-all",
      "eric revoke-all",
    ]);
  });
});
