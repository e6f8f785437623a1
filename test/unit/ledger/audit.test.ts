import { rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuditEvent, Ledger } from "#ledger/index.js";
import { digestOf, generateIdentity, SigningKey, type AuditAnchor } from "#vault/index.js";
import { LedgerHome, VAULT } from "../../support/ledger.js";

const USE: AuditEvent = {
  action: "run",
  outcome: "started",
  who: "bot",
  identity: "SHA256:abc",
  harness: "claude-code",
  secrets: ["stripe/api-key", "token"],
  command: ["curl", "-H", "[REDACTED:stripe/api-key]"],
  folder: "/work",
  repository: "git@example.com:a/b",
  branch: "main",
  reason: "to pay",
};

/** Five rows: a completed use, a denied one, an owner's operation, a use that has not ended. */
async function usedLedger(home: LedgerHome): Promise<Ledger> {
  const ledger = await home.open();
  const use = await ledger.audit.record(USE);
  await ledger.audit.complete(use, { outcome: "done", exitCode: 0 });
  await ledger.audit.record({ action: "get", outcome: "denied", who: "spy", secrets: ["stripe/api-key"], reason: "policy" });
  await ledger.audit.record({ action: "grant", outcome: "done", who: "eric", secrets: ["db/url"] });
  await ledger.audit.record({ action: "run", outcome: "started", who: "bot", secrets: ["db/url"], command: ["psql"] });
  return ledger;
}

async function anchorsOf(ledger: Ledger): Promise<Map<string, AuditAnchor>> {
  const { machine, rows, head } = await ledger.audit.head();
  return new Map([[machine, { rows, head }]]);
}

describe("the audit log", () => {
  it("keeps every field of a use, and joins it with its completion", async () => {
    const home = await LedgerHome.make();
    const [use] = await (await usedLedger(home)).audit.list({ action: "run", last: 2 });
    expect(use).toMatchObject({ ...USE, id: 1, completion: { id: 2, outcome: "done", exitCode: 0 } });
    expect(use!.time).toBe("2026-11-22T10:00:01.000Z");
  });

  it("lists by every filter, oldest first", async () => {
    const home = await LedgerHome.make();
    const { audit } = await usedLedger(home);
    const ids = async (filter: Parameters<typeof audit.list>[0]) => (await audit.list(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([1, 3, 4, 5]);
    expect(await ids({ last: 2 })).toEqual([4, 5]);
    expect(await ids({ since: new Date("2026-11-22T10:00:04Z") })).toEqual([4, 5]);
    expect(await ids({ until: new Date("2026-11-22T10:00:04Z") })).toEqual([1, 3]);
    expect(await ids({ secret: "stripe/api-key" })).toEqual([1, 3]);
    expect(await ids({ group: "stripe" })).toEqual([1, 3]);
    expect(await ids({ group: "default" })).toEqual([1]);
    expect(await ids({ who: "bot" })).toEqual([1, 5]);
    expect(await ids({ outcome: "started" })).toEqual([5]);
    expect(await ids({ outcome: "done" })).toEqual([1, 4]);
    expect(await ids({ action: "get" })).toEqual([3]);
    expect(await ids({ command: "CURL" })).toEqual([1]);
    expect(await ids({ after: 4 })).toEqual([5]);
    await audit.complete({ id: 5, action: "run", who: "bot" }, { outcome: "failed", exitCode: 2 });
    expect(await ids({ after: 5 })).toEqual([5]);
    expect(await ids({ outcome: "failed" })).toEqual([5]);
  });

  it("completes a use once, and nothing that is no use", async () => {
    const home = await LedgerHome.make();
    const { audit } = await usedLedger(home);
    for (const id of [1, 2, 3, 99]) {
      await expect(audit.complete({ id, action: "run" }, { outcome: "done" })).rejects.toMatchObject({ code: "USAGE" });
    }
    expect((await audit.head()).rows).toBe(5);
  });

  it("sums up by day, secret and agent", async () => {
    const home = await LedgerHome.make();
    const summary = await (await usedLedger(home)).audit.summary();
    expect(summary.days).toEqual([{ name: "2026-11-22", uses: 3, denied: 1, last: "2026-11-22T10:00:05.000Z" }]);
    expect(summary.secrets.map(({ name, uses, denied }) => [name, uses, denied])).toEqual([
      ["db/url", 2, 0],
      ["stripe/api-key", 1, 1],
      ["token", 1, 0],
    ]);
    expect(summary.who.map(({ name, uses }) => [name, uses])).toEqual([
      ["bot", 2],
      ["eric", 1],
      ["spy", 0],
    ]);
  });

  it("verifies whatever the texts of an event are", async () => {
    const home = await LedgerHome.make();
    const { audit } = await home.open();
    const text = fc.string({ unit: "binary", maxLength: 40 });
    const event = fc.record({ action: text, who: text, command: fc.array(text, { maxLength: 4 }), reason: text, exitCode: fc.integer() });
    await fc.assert(
      fc.asyncProperty(event, async (fields) => {
        await audit.record({ ...fields, outcome: "done" });
      }),
      { numRuns: 60 },
    );
    await audit.record({ action: "run", outcome: "done", command: ["x".repeat(5000), "\uD800"], reason: `${"y".repeat(4095)}\u{1F600}` });
    expect(await audit.verifyChain(new Map(), [])).toMatchObject({ holds: true, rows: (await audit.head()).rows });
    const [last] = await audit.list({ last: 1 });
    expect(last!.command![0]).toBe(`${"x".repeat(4096)} [904 more characters]`);
  });

  it("records what a clock that runs backwards says, and remarks on it", async () => {
    const home = await LedgerHome.make();
    const { audit } = await usedLedger(home);
    home.now = new Date("2026-01-01T00:00:00Z");
    await audit.record({ action: "get", outcome: "done" });
    expect(await audit.verifyChain(new Map(), [])).toMatchObject({ holds: true, clockWentBack: [6] });
    expect((await audit.list({ last: 1 }))[0]!.id).toBe(6);
  });

  it("hashes a row as the README says", async () => {
    const home = await LedgerHome.make();
    const { audit } = await usedLedger(home);
    const { machine } = await audit.head();
    const [row] = await audit.list({ action: "grant" });
    const fields = ["grant", "done", "eric", null, null, ["db/url"], null, null, null, null, null, null, null];
    expect(row!.hash).toBe(digestOf(JSON.stringify([1, 4, row!.previous, row!.time, ...fields])));
    const [first] = await audit.list({ who: "bot" });
    expect(first!.previous).toBe(digestOf(`agent-vault audit log\nvault: ${VAULT}\nmachine: ${machine}\n`));
  });
});

describe("an audit log in the hands of one who has its key", () => {
  const STOPPED = [
    "UPDATE audit SET who = 'x' WHERE id = 3",
    "UPDATE OR REPLACE audit SET id = 9 WHERE id = 3",
    "DELETE FROM audit WHERE id = 5",
    "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 3",
    "REPLACE INTO audit (id, time, action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exit_code, reason, completes, previous, hash) SELECT 9, time, action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exit_code, reason, 1, previous, hash FROM audit WHERE id = 2",
    "INSERT INTO audit SELECT * FROM audit WHERE id = 3 ON CONFLICT DO UPDATE SET who = 'x'",
  ];
  it.each(STOPPED)("stops %s by a trigger", async (sql) => {
    const home = await LedgerHome.make();
    const { audit } = await usedLedger(home);
    const before = await audit.list();
    await home.tamper((database) => expect(() => database.exec(sql)).toThrow(/append-only|completed already/));
    expect(await audit.list()).toEqual(before);
  });

  const TRIGGERS = ["audit_no_update", "audit_no_delete", "audit_no_replace", "audit_completed_once"];
  const without = TRIGGERS.map((name) => `DROP TRIGGER ${name};`).join(" ");
  it.each([
    ["a row changed", "UPDATE audit SET who = 'eric' WHERE id = 3", ["row-changed 3 chain"]],
    ["a list made none", "UPDATE audit SET secrets = '[1]' WHERE id = 3", ["lookup-differs 1 chain", "row-changed 3 chain"]],
    ["a row removed", "DELETE FROM audit WHERE id = 3; DELETE FROM audit_secret WHERE event = 3", ["rows-missing 3 chain"]],
    [
      "a row removed and the gap closed",
      "DELETE FROM audit WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 5; DELETE FROM audit_secret WHERE event = 4; UPDATE audit_secret SET event = 4 WHERE event = 5",
      ["row-changed 4 chain", "link-broken 4 chain", "end-missing 5 anchor"],
    ],
    [
      "a row inserted",
      "UPDATE audit SET id = 6 WHERE id = 5; UPDATE audit_secret SET event = 6 WHERE event = 5; INSERT INTO audit (id, time, action, outcome, who, identity, harness, secrets, command, folder, repository, branch, exit_code, reason, completes, previous, hash) SELECT 5, time, action, outcome, 'eric', identity, harness, NULL, command, folder, repository, branch, exit_code, reason, NULL, previous, hash FROM audit WHERE id = 4",
      ["row-changed 5 chain", "link-broken 5 chain", "rewritten 5 anchor", "row-changed 6 chain"],
    ],
    ["the first rows cut", "DELETE FROM audit WHERE id < 3; DELETE FROM audit_secret WHERE event < 3", ["cut-unsigned 2 chain"]],
    ["a lookup removed", "DELETE FROM audit_secret WHERE event = 3", ["lookup-differs 1 chain"]],
    ["the tail cut", "DELETE FROM audit WHERE id > 3; DELETE FROM audit_secret WHERE event > 3", ["end-missing 4 anchor"]],
  ])("shows %s", async (_, sql, findings) => {
    const home = await LedgerHome.make();
    const ledger = await usedLedger(home);
    const anchors = await anchorsOf(ledger);
    const machine = [...anchors.keys()][0]!;
    await home.tamper((database) => database.exec(`${without} ${sql}`));
    forgetMarks(home);
    const { audit } = await home.open();
    const report = await audit.verifyChain(anchors, [home.owner.publicKey]);
    expect(report.findings.map(({ kind, row, shownBy }) => `${kind} ${row} ${shownBy}`)).toEqual(findings);
    expect(report).toMatchObject({ machine, holds: false });
    // Without the anchor only what the chain itself shows is left.
    const alone = await audit.verifyChain(new Map(), [home.owner.publicKey]);
    expect(alone.findings.map(({ kind, row }) => `${kind} ${row} chain`)).toEqual(findings.filter((finding) => finding.endsWith("chain")));
  });

  it("shows by the anchor alone that the whole log was written again", async () => {
    const home = await LedgerHome.make();
    const anchors = await anchorsOf(await usedLedger(home));
    const machine = [...anchors.keys()][0]!;
    const other = await LedgerHome.make();
    const forger = await other.open();
    await forger.audit.head();
    await other.tamper((database) => database.exec(`UPDATE setting SET value = '${machine}' WHERE name = 'machine'`));
    for (let row = 0; row < 5; row++) await forger.audit.record({ action: "get", outcome: "done" });

    expect((await forger.audit.verifyChain(new Map(), [])).holds).toBe(true);
    const report = await forger.audit.verifyChain(anchors, []);
    expect(report.findings).toMatchObject([{ kind: "rewritten", row: 5, shownBy: "anchor" }]);
    expect(report.anchored).toBe(0);
  });

  it("is vouched for up to its anchor and no further", async () => {
    const home = await LedgerHome.make();
    const ledger = await usedLedger(home);
    const anchors = await anchorsOf(ledger);
    await ledger.audit.record({ action: "get", outcome: "done" });
    expect(await ledger.audit.verifyChain(anchors, [])).toMatchObject({ holds: true, rows: 6, anchored: 5 });
    expect(await ledger.audit.verifyChain(new Map(), [])).toMatchObject({ holds: true, rows: 6, anchored: 0 });
  });
});

describe("a pruned audit log", () => {
  const BEFORE = new Date("2026-11-22T10:00:04.000Z");

  it("still verifies, by the owner's signature under what was cut", async () => {
    const home = await LedgerHome.make();
    const ledger = await usedLedger(home);
    const anchors = await anchorsOf(ledger);
    expect(await ledger.audit.prune(BEFORE, home.owner, "eric")).toMatchObject({ cut: 3, rows: 6 });
    expect((await ledger.audit.list()).map(({ id, action }) => [id, action])).toEqual([
      [4, "grant"],
      [5, "run"],
      [6, "audit prune"],
    ]);
    expect(await ledger.audit.list({ secret: "stripe/api-key" })).toEqual([]);
    expect(await ledger.audit.verifyChain(anchors, [home.owner.publicKey])).toMatchObject({ holds: true, cut: 3, rows: 6, anchored: 5 });
    expect(await ledger.audit.prune(BEFORE, home.owner)).toMatchObject({ cut: 0, rows: 6 });

    home.now = new Date("2027-01-01T00:00:00.000Z");
    expect(await ledger.audit.prune(home.now, home.owner)).toMatchObject({ cut: 3, rows: 7 });
    await ledger.audit.record({ action: "get", outcome: "done" });
    const report = await ledger.audit.verifyChain(anchors, [home.owner.publicKey]);
    expect(report).toMatchObject({ holds: true, cut: 6, rows: 8, anchored: 5 });
  });

  it("does not verify where another key has signed, or the cut was moved", async () => {
    const home = await LedgerHome.make();
    const ledger = await usedLedger(home);
    await ledger.audit.prune(BEFORE, new SigningKey(await generateIdentity("x25519"), VAULT));
    const report = await ledger.audit.verifyChain(new Map(), [home.owner.publicKey]);
    expect(report.findings).toMatchObject([{ kind: "cut-unsigned", row: 3, shownBy: "chain" }]);

    const second = await LedgerHome.make();
    const log = await usedLedger(second);
    await log.audit.prune(BEFORE, second.owner);
    await second.tamper((database) =>
      database.exec("UPDATE checkpoint SET rows = 4; DELETE FROM audit WHERE id = 4; DELETE FROM audit_secret WHERE event = 4"),
    );
    forgetMarks(second);
    const moved = await (await second.open()).audit.verifyChain(new Map(), [second.owner.publicKey]);
    expect(moved.findings.map(({ kind }) => kind)).toEqual(["cut-unsigned", "link-broken"]);
  });
});

/** A holder of the key can remove these as well. */
function forgetMarks(home: LedgerHome): void {
  rmSync(`${home.file}-marks`);
}
