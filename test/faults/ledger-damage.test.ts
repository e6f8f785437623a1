import { execFile, spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateIdentity } from "#vault/index.js";
import { LedgerHome, VAULT } from "../support/ledger.js";

const PAGE = 4096;
const FRAME = PAGE + 24;
const WAL_HEADER = 32;

/** The files of a ledger whose rows lie partly in the database and partly in its write-ahead log. */
interface Files {
  readonly database: Buffer;
  readonly wal: Buffer;
}

const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0xff;
  return copy;
};
const swapPages = (bytes: Buffer, a: number, b: number): Buffer => {
  const copy = Buffer.from(bytes);
  bytes.copy(copy, a * PAGE, b * PAGE, (b + 1) * PAGE);
  bytes.copy(copy, b * PAGE, a * PAGE, (a + 1) * PAGE);
  return copy;
};
const pages = (bytes: Buffer): number => bytes.length / PAGE;

/** What is done to the files, and whether the log is sound or lost after it. `null` removes the file. */
type Damage = (files: Files, older: Files) => { database?: Buffer | null; wal?: Buffer | null };
const HARMLESS: Record<string, Damage> = {
  "nothing but a new time": () => ({}),
  "bytes behind the end": ({ database }) => ({ database: Buffer.concat([database, Buffer.alloc(5, 7)]) }),
};
const HARMFUL: Record<string, Damage> = {
  "no database": () => ({ database: null }),
  "neither database nor write-ahead log": () => ({ database: null, wal: null }),
  "an empty database": () => ({ database: Buffer.alloc(0) }),
  "an empty database without a write-ahead log": () => ({ database: Buffer.alloc(0), wal: null }),
  "one byte": ({ database }) => ({ database: database.subarray(0, 1), wal: null }),
  "a part of the first page": ({ database }) => ({ database: database.subarray(0, 2000), wal: null }),
  "the first page alone": ({ database }) => ({ database: database.subarray(0, PAGE), wal: null }),
  "the first page and the write-ahead log": ({ database }) => ({ database: database.subarray(0, PAGE) }),
  "half of the pages": ({ database }) => ({ database: database.subarray(0, Math.floor(pages(database) / 2) * PAGE), wal: null }),
  "a last page cut short": ({ database }) => ({ database: database.subarray(0, -100), wal: null }),
  "a bit of the magic flipped": ({ database }) => ({ database: flip(database, 0) }),
  "a bit of the page size flipped": ({ database }) => ({ database: flip(database, 16) }),
  "a bit of the first page flipped": ({ database }) => ({ database: flip(database, 200), wal: null }),
  "a bit of the third page flipped": ({ database }) => ({ database: flip(database, 2 * PAGE + 100), wal: null }),
  "a bit of the last page flipped": ({ database }) => ({ database: flip(database, database.length - 50), wal: null }),
  "two pages swapped": ({ database }) => ({ database: swapPages(database, 1, 2), wal: null }),
  "two later pages swapped": ({ database }) => ({ database: swapPages(database, 4, 9), wal: null }),
  zeros: ({ database }) => ({ database: Buffer.alloc(database.length), wal: null }),
  "another kind of file": () => ({ database: Buffer.from("hello, this is no database\n".repeat(999)), wal: null }),
  "a plain SQLite file": ({ database }) => ({ database: Buffer.concat([Buffer.from("SQLite format 3\0"), database.subarray(16)]) }),
  "no write-ahead log": () => ({ wal: null }),
  "an empty write-ahead log": () => ({ wal: Buffer.alloc(0) }),
  "a write-ahead log of garbage": ({ wal }) => ({ wal: Buffer.alloc(wal.length, 0x41) }),
  "a header of the write-ahead log flipped": ({ wal }) => ({ wal: flip(wal, 17) }),
  "a first frame flipped": ({ wal }) => ({ wal: flip(wal, WAL_HEADER + 100) }),
  "a middle frame flipped": ({ wal }) => ({ wal: flip(wal, WAL_HEADER + 5 * FRAME + 100) }),
  "a write-ahead log cut in the middle": ({ wal }) => ({ wal: wal.subarray(0, WAL_HEADER + 5 * FRAME) }),
  "an older database with the newer write-ahead log": ({ wal }, older) => ({ database: older.database, wal }),
  "the files of an earlier time": (_, older) => older,
  "pages of two times mixed": ({ database }, older) => ({
    database: Buffer.concat([
      database.subarray(0, 8 * PAGE),
      older.database.subarray(8 * PAGE),
      database.subarray(Math.max(8 * PAGE, older.database.length)),
    ]),
  }),
};

describe("a ledger whose files are not as they were left", () => {
  let home: LedgerHome;
  let files: Files;
  let older: Files;
  let marks: Buffer;
  let head: { rows: number; head: string; machine: string };

  /** Made once: each test lays these files into a home of its own. */
  beforeAll(async () => {
    home = await LedgerHome.makeForMany();
    const ledger = await home.open();
    for (let row = 0; row < 60; row++)
      await ledger.audit.record({ action: "get", outcome: "done", secrets: [`group/name-${row}`], reason: "x".repeat(200) });
    await home.tamper((database) => database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all());
    older = { database: readFileSync(home.file), wal: readFileSync(`${home.file}-wal`) };
    for (let row = 0; row < 30; row++) await ledger.audit.record({ action: "get", outcome: "done", reason: "z".repeat(200) });
    await home.tamper((database) => database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all());
    for (let row = 0; row < 10; row++) await ledger.audit.record({ action: "get", outcome: "done", reason: "y".repeat(200) });
    files = { database: readFileSync(home.file), wal: readFileSync(`${home.file}-wal`) };
    marks = readFileSync(`${home.file}-marks`);
    head = await ledger.audit.head();
  });

  afterAll(() => home.remove());

  /** Lays the files out as they were, some of them damaged. */
  function lay({ database = files.database, wal = files.wal }: ReturnType<Damage>, withMarks = true): void {
    for (const name of readdirSync(home.folder)) if (!name.endsWith(".key")) rmSync(join(home.folder, name));
    if (database) writeFileSync(home.file, database);
    if (wal) writeFileSync(`${home.file}-wal`, wal);
    if (withMarks) writeFileSync(`${home.file}-marks`, marks);
    home.warnings.length = 0;
  }

  it.each(Object.entries(HARMLESS))("goes on after %s", async (_, damage) => {
    lay(damage(files, older));
    const { audit } = await home.open();
    expect(await audit.head()).toEqual(head);
    expect(await audit.record({ action: "get", outcome: "done" })).toMatchObject({ id: 101 });
    expect(await audit.verifyChain(new Map(), [])).toMatchObject({ holds: true });
    expect(home.warnings).toEqual([]);
  });

  it.each(Object.entries(HARMFUL))("begins a new log and keeps the old one after %s", async (what, damage) => {
    const damaged = damage(files, older);
    lay(damaged);
    const { audit } = await home.open();
    expect(await audit.record({ action: "get", outcome: "done", reason: "after" })).toMatchObject({ id: 2 });

    const [first] = await audit.list();
    expect(first).toMatchObject({ action: "ledger", outcome: "done" });
    expect(first!.reason).toMatch(/^A new log, as the one before could not be used any more: /);
    if (what === "no write-ahead log") expect(first!.reason).toContain("rows were lost from its end, of 100 that it had");
    expect(home.warnings).toHaveLength(1);
    expect((await audit.head()).machine).toBe(head.machine);
    const anchors = new Map([[head.machine, { rows: head.rows, head: head.head as `sha256:${string}` }]]);
    expect((await audit.verifyChain(anchors, [])).findings).toMatchObject([{ kind: "end-missing", shownBy: "anchor" }]);
    // What was there lies beside it, byte for byte.
    const { database = files.database, wal = files.wal } = damaged;
    expect(aside("")).toEqual(database ?? Buffer.alloc(0));
    expect(aside("-wal")).toEqual(wal ?? Buffer.alloc(0));
  });

  /** What was set aside; nothing counts as an empty file. */
  function aside(suffix: string): Buffer {
    const name = readdirSync(home.folder).find((file) => new RegExp(`\\.damaged-[-0-9TZ]+${suffix}$`).test(file));
    return name === undefined ? Buffer.alloc(0) : readFileSync(join(home.folder, name));
  }

  it.each(Object.entries({ ...HARMLESS, ...HARMFUL }))("ends with no signal after %s, also where its marks are gone", async (_, damage) => {
    lay(damage(files, older), false);
    const audit = (await home.open()).audit;
    await audit.record({ action: "get", outcome: "done" }).catch((error: unknown) => expect(error).toMatchObject({ code: "LEDGER_KEY" }));
  });

  it("notices damage that left size and time as they were when the engine does", async () => {
    lay({});
    const ledger = await home.open();
    await ledger.audit.head();
    await home.tamper((database) => database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all());
    await ledger.audit.record({ action: "get", outcome: "done" });
    const { mtimeNs } = statSync(home.file, { bigint: true });
    const bytes = readFileSync(home.file);
    for (let page = 1; page < pages(bytes); page++) bytes[page * PAGE + 500]! ^= 0xff;
    writeFileSync(home.file, bytes);
    spawnSync("touch", ["-d", `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, "0")}`, home.file]);
    expect(statSync(home.file, { bigint: true }).mtimeNs).toBe(mtimeNs);
    expect(await ledger.audit.list({ action: "ledger" })).toMatchObject([{ id: 1 }]);
    expect(home.warnings).toHaveLength(1);
  });

  it("is set aside once by processes that find it damaged at the same time", async () => {
    lay({ wal: null });
    const program = `
      import { Ledger } from ${JSON.stringify(new URL("../../packages/ledger/dist/index.js", import.meta.url).href)};
      import { processContext } from ${JSON.stringify(new URL("../../packages/vault/dist/index.js", import.meta.url).href)};
      const none = async () => [];
      const ledger = await Ledger.open({ context: processContext(), vault: "${VAULT}", identities: none, recipients: none });
      console.log((await ledger.audit.record({ action: "get", outcome: "done" })).id);`;
    const env = { PATH: process.env["PATH"], AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: (await home.key()).toString("hex") };
    const processes = Array.from({ length: 6 }, () =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { env, cwd: home.root }),
    );
    const ids = (await Promise.all(processes)).map(({ stdout }) => Number(stdout));
    expect(ids.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(readdirSync(home.folder).filter((name) => /\.damaged-[-0-9TZ]+$/.test(name))).toHaveLength(1);
    expect((await (await home.open()).audit.list()).filter(({ action }) => action === "ledger")).toHaveLength(1);
  });

  it("says which key is wrong, and leaves the files alone", async () => {
    lay({});
    const stranger = await generateIdentity("x25519");
    const refused = home.open({ identities: async () => [stranger] });
    await expect(refused).rejects.toMatchObject({ code: "LEDGER_KEY" });
    const env = { AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: "ab".repeat(32) };
    const other = await home.open({ context: home.context({ env }) });
    await expect(other.audit.head()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    rmSync(`${home.file}-marks`);
    await expect(other.audit.head()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    expect(readFileSync(home.file).equals(files.database)).toBe(true);

    renameSync(join(home.folder, `${VAULT}.key`), join(home.root, "key"));
    await expect(home.open()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    writeFileSync(join(home.folder, `${VAULT}.key`), "no key");
    await expect(home.open()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    rmSync(join(home.folder, `${VAULT}.key`));
    renameSync(join(home.root, "key"), join(home.folder, `${VAULT}.key`));
    expect(await (await home.open()).audit.head()).toEqual(head);
  });

  it("takes no other cipher for damage", async () => {
    lay({});
    writeFileSync(join(home.home, "ledger.json"), '{ "cipher": "aes256gcm" }');
    try {
      await expect((await home.open()).audit.head()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    } finally {
      rmSync(join(home.home, "ledger.json"));
    }
    expect(readFileSync(home.file).equals(files.database)).toBe(true);
  });

  it("reads no database of a newer version, and changes nothing in it", async () => {
    lay({});
    await home.tamper((database) => database.exec("PRAGMA user_version = 99"));
    const { audit } = await home.open();
    await expect(audit.head()).rejects.toMatchObject({ code: "LEDGER_NEWER" });
    await expect(audit.record({ action: "get", outcome: "done" })).rejects.toMatchObject({ code: "LEDGER_NEWER" });
    expect(await home.tamper((database) => database.prepare("SELECT count(*) AS n FROM audit").get())).toEqual({ n: 100 });
  });

  it("closes its folder and files to others, and takes no link for the folder", async () => {
    lay({});
    chmodSync(home.folder, 0o755);
    await (await home.open()).audit.head();
    expect(statSync(home.folder).mode & 0o777).toBe(0o700);
    renameSync(home.folder, `${home.folder}-elsewhere`);
    symlinkSync(`${home.folder}-elsewhere`, home.folder);
    await expect(home.open()).rejects.toMatchObject({ code: "LEDGER_FOLDER" });
    rmSync(home.folder);
    renameSync(`${home.folder}-elsewhere`, home.folder);
  });
});
