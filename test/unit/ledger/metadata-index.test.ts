import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger } from "#ledger/index.js";
import {
  deleteSecret,
  move,
  removeAgent,
  revoke,
  listSecrets,
  loadKeys,
  openState,
  parseRecipient,
  querySecrets,
  SORT_KEYS,
  VaultState,
  type SecretQuery,
} from "#vault/index.js";
import { prepared, type Sandbox } from "../../support/sandbox.js";
import { rounds } from "../../support/slow.js";
import { makeVault } from "../../support/vault.js";

const vaultWithAgents = prepared((box) =>
  makeVault(
    box,
    {
      "stripe/api-key": { value: "1", provider: "stripe", environment: "production", access: "admin", expires: "2030-01-01T00:00:00Z" },
      "stripe/test-key": { value: "2", provider: "stripe", environment: "test", description: "The ÄRGER with the sandbox" },
      "db/url": { value: "3", provider: "postgres", expires: "2029-01-01T00:00:00Z", rotate_after_days: 30 },
      token: "4",
    },
    { billing: ["stripe"], backup: ["db", "stripe/test-key"] },
  ),
);

async function ledgerOf(box: Sandbox): Promise<Ledger> {
  const context = box.context();
  const { identities } = await loadKeys(context);
  const recipient = parseRecipient(await identities[0]!.recipient());
  const vault = (await openState(context, box.vault)).config.id!;
  return Ledger.open({ context, vault, identities: async () => identities, recipients: async () => [recipient] });
}

const stateOf = (box: Sandbox) => openState(box.context(), box.vault);

/** What the index says, in the form in which the vault says it. */
async function indexed(ledger: Ledger) {
  const { secrets } = await ledger.index.query();
  return secrets.map(({ secret, groups, agents, metadata }) => ({ secret, groups, agents, metadata }));
}

describe("the index", () => {
  it("says of each secret what the vault says, after every kind of change", async () => {
    const box = await vaultWithAgents();
    const { vault } = box;
    const ledger = await ledgerOf(box);
    const plainly = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    const follows = async () => {
      const state = await stateOf(box);
      const refreshed = await ledger.index.refresh(state);
      expect(await indexed(ledger)).toEqual(plainly(listSecrets(state)));
      expect(await ledger.index.isFresh(state)).toBe(true);
      expect(await ledger.index.refresh(state)).toMatchObject({ updated: 0, removed: 0 });
      return refreshed;
    };
    expect(await follows()).toEqual({ updated: 4, removed: 0, total: 4 });
    await box.set("stripe/api-key", "new", { description: "changed" });
    expect(await follows()).toEqual({ updated: 1, removed: 0, total: 4 });
    await move(box.context(), { vault, from: "stripe/test-key", to: "other/test-key" });
    expect(await follows()).toEqual({ updated: 1, removed: 1, total: 4 });
    await revoke(box.context(), { vault, agent: "billing", target: "stripe" });
    await follows();
    await removeAgent(box.context(), { vault, agent: "backup" });
    await follows();
    await deleteSecret(box.context(), { vault, path: "other/test-key" });
    expect(await follows()).toMatchObject({ removed: 1, total: 3 });
    await box.grant("billing", "db");
    await follows();
    expect(await ledger.index.agents()).toMatchObject([{ agent: "billing", groups: ["db"], extra: [] }]);
    expect(await ledger.index.owners()).toMatchObject([{ recipient: (await stateOf(box)).owners[0]!.recipient.text }]);
    expect(await ledger.index.rebuild(await stateOf(box))).toMatchObject({ total: 3 });
    await follows();
  });

  it("answers every query, sorted and in pages", async () => {
    const box = await vaultWithAgents();
    const ledger = await ledgerOf(box);
    await ledger.index.refresh(await stateOf(box));
    const find = async (query: SecretQuery) => (await ledger.index.query(query)).secrets.map(({ secret }) => secret);
    expect(await find({})).toEqual(["db/url", "token", "stripe/api-key", "stripe/test-key"]);
    expect(await find({ group: "stripe" })).toEqual(["stripe/api-key", "stripe/test-key"]);
    expect(await find({ agent: "billing" })).toEqual(["stripe/api-key", "stripe/test-key"]);
    expect(await find({ agent: "backup" })).toEqual(["db/url", "stripe/test-key"]);
    expect(await find({ environment: "production" })).toEqual(["stripe/api-key"]);
    expect(await find({ provider: "stripe", environment: "test" })).toEqual(["stripe/test-key"]);
    expect(await find({ access: "admin" })).toEqual(["stripe/api-key"]);
    expect(await find({ expiresBefore: new Date("2029-06-01") })).toEqual(["db/url"]);
    expect(await find({ overdueAt: new Date("2099-01-01") })).toEqual(["db/url"]);
    expect(await find({ overdueAt: new Date("2000-01-01") })).toEqual([]);
    expect(await find({ search: "ärger" })).toEqual(["stripe/test-key"]);
    expect(await find({ search: "KEY" })).toEqual(["stripe/api-key", "stripe/test-key"]);
    expect(await find({ search: "100%_" })).toEqual([]);
    expect(await find({ sort: "expires" })).toEqual(["db/url", "stripe/api-key", "token", "stripe/test-key"]);
    expect(await find({ sort: "path", descending: true, limit: 2 })).toEqual(["stripe/test-key", "stripe/api-key"]);
    expect(await ledger.index.query({ limit: 1, offset: 1 })).toMatchObject({ total: 4, secrets: [{ secret: "token" }] });
    await expect(find({ group: "' OR 1=1 --" })).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
    await expect(find({ agent: "biling" })).rejects.toMatchObject({ code: "AGENT_NOT_FOUND", remedy: expect.stringContaining("billing") });
  });

  it("answers as a look through the files does", async () => {
    const box = await vaultWithAgents();
    const ledger = await ledgerOf(box);
    const state = await stateOf(box);
    await ledger.index.refresh(state);
    const some = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const time = fc.option(fc.date({ min: new Date("2026-01-01"), max: new Date("2031-01-01"), noInvalidDate: true }), { nil: undefined });
    const queries = fc.record({
      group: some("stripe", "db", "default"),
      agent: some("billing", "backup"),
      environment: some("production", "test"),
      provider: some("stripe", "postgres"),
      tag: some("core", "none"),
      access: some("admin", "read"),
      expiresBefore: time,
      overdueAt: time,
      search: some("key", "ÄRGER", "stripe"),
      sort: some(...SORT_KEYS),
      descending: some(true, false),
      limit: some(0, 1, 2, 10),
      offset: some(0, 1, 3),
    });
    const sparse = fc
      .tuple(queries, fc.subarray(["group", "agent", "environment", "provider", "tag", "access", "expiresBefore", "overdueAt", "search"]))
      .map(([query, left]) => ({ ...query, ...Object.fromEntries(left.map((name) => [name, undefined])) }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(queries, sparse), async (query) => {
        expect(await ledger.index.query(query)).toEqual(querySecrets(state, query));
      }),
      { numRuns: rounds(20, 50) },
    );
  });

  it("holds no value and answers without the vault", async () => {
    const box = await vaultWithAgents();
    await box.set("stripe/api-key", "a-value-to-be-found");
    const ledger = await ledgerOf(box);
    await ledger.index.refresh(await stateOf(box));
    rmSync(box.vault, { recursive: true });
    expect(JSON.stringify(await ledger.index.query())).not.toContain("a-value-to-be-found");
    expect(await ledger.index.size()).toBe(4);
  });

  it("names what is damaged, and indexes the rest of a vault that nobody signed", async () => {
    const box = await vaultWithAgents();
    const ledger = await ledgerOf(box);
    writeFileSync(join(box.vault, "secrets/db/url.meta"), "name: [\n");
    const state = new VaultState(box.vault);
    expect(await ledger.index.refresh(state)).toMatchObject({ total: 4 });
    const { secrets } = await ledger.index.query({ group: "db" });
    expect(secrets).toMatchObject([{ secret: "db/url", metadata: undefined }]);
    expect(secrets[0]!.problem).toContain("url.meta");
    expect(await ledger.index.isFresh(state)).toBe(false);
    expect(await ledger.index.refresh(await afterMoveByHand(box))).toMatchObject({ updated: 1, removed: 1, total: 4 });
  });

  it("names what was used of it and what never was", async () => {
    const box = await vaultWithAgents();
    const ledger = await ledgerOf(box);
    await ledger.index.refresh(await stateOf(box));
    await ledger.audit.record({ action: "get", outcome: "done", who: "billing", secrets: ["stripe/api-key", "token"] });
    const { unusedSecrets, unusedAgents } = await ledger.audit.summary();
    expect(unusedSecrets).toEqual(["db/url", "stripe/test-key"]);
    expect(unusedAgents).toEqual(["backup"]);
  });
});

/** The vault after a secret was moved by hand and the damaged metadata put right. */
async function afterMoveByHand(box: Sandbox): Promise<VaultState> {
  mkdirSync(join(box.vault, "secrets/moved"));
  for (const ending of ["enc", "meta"]) {
    const content = readFileSync(join(box.vault, `secrets/db/url.${ending}`));
    writeFileSync(join(box.vault, `secrets/moved/url.${ending}`), ending === "meta" ? "name: moved/url\n" : content);
    rmSync(join(box.vault, `secrets/db/url.${ending}`));
  }
  return new VaultState(box.vault);
}
