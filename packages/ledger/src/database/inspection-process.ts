import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { headOf, machineOf } from "./audit-row.js";
import { Connection, loadEngine } from "./connection.js";
import { kindOfEngineError } from "./engine-errors.js";
import { DatabaseSidecar } from "./database-sidecar.js";
import type { InspectionMessage, InspectionResult } from "./inspection.js";
import { SCHEMA_VERSION, schemaVersion } from "./schema.js";

const LOCK_TIMEOUT_MS = 15_000;

// No `await` outside of a function: this is built as CommonJS as well.
void answer();

async function answer(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  process.stdout.write(JSON.stringify(await inspectWhenFree(JSON.parse(Buffer.concat(chunks).toString()) as InspectionMessage)));
}

async function inspectWhenFree(message: InspectionMessage): Promise<InspectionResult> {
  const { path, cipher, key } = message.file;
  const engine = await loadEngine();
  for (const deadline = performance.now() + LOCK_TIMEOUT_MS; ; await sleep(2 + Math.random() * 20)) {
    let connection: Connection | undefined;
    try {
      connection = new Connection(engine, { path, cipher, key: Buffer.from(key, "hex") }, 0);
      return inspectContent(connection, message);
    } catch (error) {
      if (kindOfEngineError(error) !== "locked") return resultOf(error);
      if (performance.now() > deadline) return { verdict: "locked" };
    } finally {
      connection?.close();
    }
  }
}

function inspectContent(connection: Connection, { file, vault, left, thorough }: InspectionMessage): InspectionResult {
  const version = schemaVersion(connection);
  if (version > SCHEMA_VERSION) return { verdict: "newer" };
  const sidecar = new DatabaseSidecar(file.path);
  // A writer that was killed leaves only its write-ahead log, whose frames have checksums; checking a large database takes long.
  const isUntouched = !thorough && sidecar.stamps().database === left.database;
  if (!isUntouched && !isConsistent(connection)) return { verdict: "unsound", detail: "its pages contradict each other" };
  const lost = { verdict: "unsound", detail: `rows were lost from its end, of ${left.rows} that it had` } as const;
  const isBegun = version > 0 && connection.get("SELECT 1 FROM setting WHERE name = 'machine'") !== undefined;
  if (!isBegun) return left.rows > 0 ? lost : sound();
  const { rows } = headOf(connection, vault);
  const last = connection.get("SELECT hash FROM audit WHERE id = ?", left.rows);
  const cut = Number(connection.get("SELECT coalesce(max(rows), 0) AS cut FROM checkpoint")!["cut"]);
  if (rows < left.rows) return lost;
  if (left.rows > cut && last?.["hash"] !== left.head) return { verdict: "unsound", detail: "its rows are not those that it had" };
  return sound();

  /** Nothing more is done to the files, so the sidecar says how they are left. */
  function sound(): InspectionResult {
    const held = isBegun ? { ...headOf(connection, vault), machine: machineOf(connection), replaces: "" } : {};
    sidecar.write({ ...left, ...held, ...sidecar.stamps(), activity: "nothing" });
    return { verdict: "sound" };
  }
}

function isConsistent(connection: Connection): boolean {
  const problems = connection.all("PRAGMA integrity_check").map((row) => row["integrity_check"]);
  return problems.length === 1 && problems[0] === "ok";
}

function resultOf(error: unknown): InspectionResult {
  const message = error instanceof Error ? error.message : String(error);
  if (/Decryption failed for page=1\b|not a database/i.test(message)) return { verdict: "key" };
  if (kindOfEngineError(error) === "suspicious") return { verdict: "unsound", detail: "a part of it could not be read" };
  return { verdict: "failed", detail: message };
}
