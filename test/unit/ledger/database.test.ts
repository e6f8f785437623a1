import { readFileSync, statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { LedgerDatabase } from "#ledger/database/database.js";
import { LedgerHome, VAULT } from "../../support/ledger.js";

async function databaseOf(home: LedgerHome): Promise<LedgerDatabase> {
  await home.open();
  return new LedgerDatabase(home.context(), VAULT, { path: home.file, cipher: "aegis256", key: await home.key() });
}

it("works on one thing at a time, also where it gives the event loop a turn", async () => {
  const home = await LedgerHome.make();
  const database = await databaseOf(home);
  const steps: string[] = [];
  const work = (name: string) => async () => {
    steps.push(`${name} begins`);
    await setImmediate();
    steps.push(`${name} ends`);
  };
  await Promise.all([database.write(work("a")), database.read(work("b")), (await databaseOf(home)).write(work("c"))]);
  expect(steps).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

it("undoes work that fails, and goes on", async () => {
  const home = await LedgerHome.make();
  const database = await databaseOf(home);
  const failed = database.write((connection) => {
    connection.insert("source", { name: "x", digest: "y" });
    throw new RangeError("no");
  });
  await expect(failed).rejects.toThrow(RangeError);
  expect(await database.read((connection) => connection.all("SELECT * FROM source"))).toEqual([]);
  const wrong = database.write((connection) => connection.run("INSERT INTO nowhere VALUES (1)"));
  await expect(wrong).rejects.toMatchObject({ code: "FAILED" });
  await database.write((connection) => connection.insert("source", { name: "x", digest: "y" }));
  expect(await database.read((connection) => connection.all("SELECT * FROM source"))).toEqual([{ name: "x", digest: "y" }]);
  expect(home.warnings).toEqual([]);
});

it("keeps its write-ahead log short, and nothing in it readable", async () => {
  const home = await LedgerHome.make();
  const database = await databaseOf(home);
  for (let round = 0; round < 25; round++) {
    await database.write((connection) => {
      for (let row = 0; row < 400; row++)
        connection.insert("source", { name: `plaintext-${round}-${row}`, digest: "plaintext".repeat(30) });
    });
    expect(statSync(`${home.file}-wal`).size).toBeLessThan(2 ** 20 + 2 ** 18);
  }
  expect(statSync(home.file).size).toBeGreaterThan(2 ** 20);
  for (const suffix of ["", "-wal", "-marks"]) expect(readFileSync(home.file + suffix).includes("plaintext")).toBe(false);
});
