import { mkdirSync } from "node:fs";
import * as engine from "@tursodatabase/database/compat";
import { describe, expect, it } from "vitest";
import { append, headOf } from "#ledger/database/audit-row.js";
import { Connection } from "#ledger/database/connection.js";
import { migrate, SCHEMA_VERSION, schemaVersion } from "#ledger/database/schema.js";
import { LedgerHome, VAULT } from "../../support/ledger.js";

describe("the schema", () => {
  it.each([
    [1, "secret"],
    [2, "token"],
  ])("takes a database of version %i to the present one, with all of its rows", async (version, table) => {
    const home = await LedgerHome.make();
    mkdirSync(home.folder);
    const key = "ef".repeat(32);
    const older = new Connection(engine, { path: home.file, cipher: "aegis256", key: Buffer.from(key, "hex") });
    migrate(older, version);
    expect(() => older.get(`SELECT * FROM ${table}`)).toThrow("no such table");
    older.insert("setting", { name: "machine", value: "m1" });
    append(older, VAULT, new Date(0), { action: "get", outcome: "done", secrets: ["a/b"] });
    const head = headOf(older, VAULT);
    older.close();

    const context = home.context({ env: { AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: key } });
    const ledger = await home.open({ context });
    expect(await ledger.audit.head()).toEqual({ machine: "m1", ...head });
    expect(await ledger.index.size()).toBe(0);
    expect(await ledger.tokens.list()).toEqual([]);
    expect(await ledger.audit.list({ secret: "a/b" })).toHaveLength(1);
    expect(await ledger.audit.verifyChain(new Map(), [])).toMatchObject({ holds: true, rows: 1 });
    expect(home.warnings).toEqual([]);
  });

  it("is as it was where a step of it fails", async () => {
    const home = await LedgerHome.make();
    mkdirSync(home.folder);
    const connection = new Connection(engine, { path: home.file, cipher: "aegis256", key: Buffer.alloc(32, 1) });
    migrate(connection, 1);
    connection.exec("CREATE TABLE owner (name TEXT)");
    expect(() => migrate(connection)).toThrow("owner");
    expect(schemaVersion(connection)).toBe(1);
    connection.exec("DROP TABLE owner");
    migrate(connection);
    expect(schemaVersion(connection)).toBe(SCHEMA_VERSION);
    connection.close();
  });
});
