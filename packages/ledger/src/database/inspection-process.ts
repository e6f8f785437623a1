import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { headOf, machineOf } from "../audit/row.js";
import { Connection, loadEngine } from "./connection.js";
import { kindOf } from "./engine-errors.js";
import { DatabaseSidecar } from "./database-sidecar.js";
import type { InspectionResult, Inspection } from "./inspection.js";
import { SCHEMA_VERSION, schemaVersion } from "./schema.js";

const PATIENCE = 15_000;

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
process.stdout.write(JSON.stringify(await look(JSON.parse(Buffer.concat(chunks).toString()) as Inspection)));

async function look(inspection: Inspection): Promise<InspectionResult> {
  const { path, cipher, key } = inspection;
  const engine = await loadEngine();
  for (const deadline = performance.now() + PATIENCE; ; await sleep(2 + Math.random() * 20)) {
    let connection: Connection | undefined;
    try {
      connection = new Connection(engine, { path, cipher, key: Buffer.from(key, "hex") }, 0);
      return lookThrough(connection, inspection);
    } catch (error) {
      if (kindOf(error) !== "locked") return judge(error);
      if (performance.now() > deadline) return { verdict: "locked" };
    } finally {
      connection?.close();
    }
  }
}

function lookThrough(connection: Connection, { path, vault, marks, thorough }: Inspection): InspectionResult {
  const version = schemaVersion(connection);
  if (version > SCHEMA_VERSION) return { verdict: "newer" };
  const fileMarks = new DatabaseSidecar(path);
  // Of a writer that was killed only the write-ahead log stays, whose frames have checksums; to look through a large database takes long.
  const isUntouched = !thorough && fileMarks.stamps().database === marks.database;
  if (!isUntouched && !isConsistent(connection)) return { verdict: "unsound", detail: "its pages contradict each other" };
  const lost = { verdict: "unsound", detail: `rows were lost from its end, of ${marks.rows} that it had` } as const;
  const isBegun = version > 0 && connection.get("SELECT 1 FROM setting WHERE name = 'machine'") !== undefined;
  if (!isBegun) return marks.rows > 0 ? lost : sound();
  const { rows } = headOf(connection, vault);
  const last = connection.get("SELECT hash FROM audit WHERE id = ?", marks.rows);
  const cut = Number(connection.get("SELECT coalesce(max(rows), 0) AS cut FROM checkpoint")!["cut"]);
  if (rows < marks.rows) return lost;
  if (marks.rows > cut && last?.["hash"] !== marks.head) return { verdict: "unsound", detail: "its rows are not those that it had" };
  return sound();

  /** Nothing more is done to the files, so they are marked as they will be left. */
  function sound(): InspectionResult {
    const held = isBegun ? { ...headOf(connection, vault), machine: machineOf(connection), replaces: "" } : {};
    fileMarks.write({ ...marks, ...held, ...fileMarks.stamps(), doing: "nothing" });
    return { verdict: "sound" };
  }
}

function isConsistent(connection: Connection): boolean {
  const problems = connection.all("PRAGMA integrity_check").map((row) => row["integrity_check"]);
  return problems.length === 1 && problems[0] === "ok";
}

function judge(error: unknown): InspectionResult {
  const message = error instanceof Error ? error.message : String(error);
  if (/Decryption failed for page=1\b|not a database/i.test(message)) return { verdict: "key" };
  if (kindOf(error) === "suspicious") return { verdict: "unsound", detail: "a part of it could not be read" };
  return { verdict: "failed", detail: message };
}
