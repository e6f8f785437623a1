import process from "node:process";
import { beforeEach, describe, expect, it } from "vitest";
import type { Ledger } from "#ledger/index.js";
import { approvalsIn, currentSession, DEFAULT_TTL_MS, mint, startSession, type Authority } from "#runner/index.js";
import { VaultFiles } from "#vault/index.js";
import { LedgerHome } from "../../support/ledger.js";

const HOUR = 3_600_000;
const ENDED = { code: "SESSION_NOT_FOUND" };

let home: LedgerHome;
let ledger: Ledger;
let authority: Authority;

beforeEach(async () => {
  home = await LedgerHome.make();
  ledger = await home.open();
  authority = { ledger, requester: { who: "eric" }, files: new VaultFiles(home.home) };
});

const within = (id: string | undefined) => home.context({ env: { AGENT_VAULT_HOME: home.home, AGENT_VAULT_SESSION: id } });
const current = (id: string | undefined) => currentSession(within(id), ledger.sessions);
const spanOf = (expires: Date) => Math.round((expires.getTime() - home.now.getTime()) / 60_000) * 60_000;

describe("the session that a process is in", () => {
  it("is the one of that id while it is open", async () => {
    const session = await startSession(home.context(), authority, { ttlMs: HOUR });
    expect(await current(session.id)).toEqual(session);
    expect(await current(undefined)).toBeUndefined();
    expect(await current("")).toBeUndefined();
    home.now = new Date(home.now.getTime() + HOUR);
    await expect(current(session.id)).rejects.toMatchObject(ENDED);
  });

  it("is none that was made up or ended", async () => {
    await expect(current("0123456789abcdef")).rejects.toMatchObject(ENDED);
    await expect(current("' OR 1=1 --")).rejects.toMatchObject(ENDED);
    const { id } = await startSession(home.context(), authority, {});
    await ledger.sessions.end(id, authority.requester);
    await expect(current(id)).rejects.toMatchObject(ENDED);
  });

  it("ends with the process that it was started for", async () => {
    const { id } = await startSession(home.context(), authority, { parent: process.pid });
    expect(await current(id)).toMatchObject({ id });
    // Beyond the highest that a process can have.
    await home.tamper((database) => database.exec("UPDATE session SET parent = 4194399"));
    await expect(current(id)).rejects.toMatchObject(ENDED);
  });

  it("remembers approvals for every process in it", async () => {
    const session = await startSession(home.context(), authority, {});
    const other = await startSession(home.context(), authority, {});
    await approvalsIn(session, ledger.sessions).remember("sha256:a");
    expect(await approvalsIn(session, (await home.open()).sessions).isRemembered("sha256:a")).toBe(true);
    expect(await approvalsIn(session, ledger.sessions).isRemembered("sha256:b")).toBe(false);
    expect(await approvalsIn(other, ledger.sessions).isRemembered("sha256:a")).toBe(false);
  });
});

describe("how long what is given out holds", () => {
  it("is 8 hours, what was asked for, and never longer than the session", async () => {
    const { id } = await startSession(home.context(), authority, { ttlMs: HOUR });
    const spans: number[] = [];
    for (const [session, ttlMs] of [
      [undefined, undefined],
      [undefined, 3 * HOUR],
      [id, undefined],
      [id, 3 * HOUR],
      [id, HOUR / 2],
    ] as const)
      spans.push(spanOf((await mint(within(session), authority, { ttlMs })).expires));
    expect(spans).toEqual([DEFAULT_TTL_MS, 3 * HOUR, HOUR, HOUR, HOUR / 2]);
  });

  it("is a time, and no more than a year of it", async () => {
    for (const ttlMs of [0, -1, Number.NaN, 400 * 24 * HOUR])
      await expect(mint(home.context(), authority, { ttlMs })).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });
});
