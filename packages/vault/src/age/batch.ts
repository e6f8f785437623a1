import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { VaultError } from "../errors.js";
import type { WorkerAnswer, WorkerTask } from "./batch-worker.js";
import type { Identity } from "./identity.js";
import { parseRecipientSets, runJob, type ReencryptJob } from "./job.js";
import type { Recipient } from "./recipient.js";

export type { ReencryptJob } from "./job.js";

const MAX_WORKERS = 4;
/** Less work than this is done before workers have started. */
const WORTH_WORKERS_MS = 150;
/** Work that a worker is given at a time: enough that messages cost nothing, little enough that all workers end together. */
const CHUNK_MS = 40;
/** Measured on Node 20; for a guess of how long a job takes. */
const FILE_MS = { "add-recipients": 0.2, "re-encrypt": 0.6, "encrypt-for-others": 0.6, encrypt: 0.6 };
const WRAP_MS = { x25519: 0.1, "post-quantum": 3 };
const RE_ENCRYPTED_MEGABYTE_MS = 10;

/**
 * Gives many files new recipients: little work in this thread, more of it on worker threads while this one stays free.
 * The first error ends the batch.
 * @param recipientSets lists of `age1...`; a job names its own by index.
 * @param identity opens every file and every result; where no single one does both, as in a rotation of keys, the old and the new one.
 *   Jobs that add recipients use the first.
 * @param onProgress is called now and then with the number of jobs that are done.
 * @returns the new files in the order of the jobs; the old ones are left as they are.
 * @throws VaultError with the job's name before the message: the codes of `encrypt`, `decrypt` and `addRecipients`;
 *   `FAILED` where a worker dies.
 */
export async function runBatch(
  jobs: readonly ReencryptJob[],
  recipientSets: readonly (readonly string[])[],
  identity: Identity | readonly Identity[],
  onProgress: (done: number) => void = () => {},
): Promise<Uint8Array[]> {
  const identities = "kind" in identity ? [identity] : identity;
  const sets = parseRecipientSets(recipientSets);
  const costs = jobs.map((job) => estimate(job, sets[job.recipients]!));
  if (costs.reduce((sum, cost) => sum + cost, 0) < WORTH_WORKERS_MS) return runHere(jobs, sets, identities, onProgress);
  const task = { recipientSets, identities: identities.map((one) => one.reveal()) };
  return runOnWorkers(jobs, chunksOf(costs), task, onProgress);
}

async function runHere(
  jobs: readonly ReencryptJob[],
  sets: readonly Recipient[][],
  identities: readonly Identity[],
  onProgress: (done: number) => void,
): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const job of jobs) {
    files.push(await runJob(job, sets[job.recipients]!, identities));
    onProgress(files.length);
    await setImmediate();
  }
  return files;
}

async function runOnWorkers(
  jobs: readonly ReencryptJob[],
  chunks: [start: number, end: number][],
  task: WorkerTask,
  onProgress: (done: number) => void,
): Promise<Uint8Array[]> {
  const files: Uint8Array[] = Array.from({ length: jobs.length });
  let done = 0;

  async function drive(ask: Ask): Promise<void> {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      const [start, end] = chunk;
      const results = await ask(jobs.slice(start, end));
      results.forEach((file, index) => (files[start + index] = file));
      done += results.length;
      onProgress(done);
    }
  }

  const count = Math.min(MAX_WORKERS, availableParallelism(), chunks.length);
  const workers = Array.from({ length: count }, () => startWorker(task));
  try {
    await Promise.all(workers.map(({ ask }) => drive(ask)));
  } finally {
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  }
  return files;
}

type Ask = (jobs: readonly ReencryptJob[]) => Promise<Uint8Array[]>;

function startWorker(task: WorkerTask): { worker: Worker; ask: Ask } {
  // Flags of this process, such as --input-type, can keep a worker from starting.
  const worker = new Worker(new URL("./batch-worker.js", import.meta.url), { workerData: task, execArgv: [] });
  const gone = new AbortController();
  let failure: unknown;
  worker.once("error", (error) => (failure = error));
  worker.once("exit", () => gone.abort());

  async function ask(jobs: readonly ReencryptJob[]): Promise<Uint8Array[]> {
    // The caller keeps its files, so their copies are handed over.
    const copies = jobs.map((job) => ({ ...job, file: new Uint8Array(job.file) }));
    worker.postMessage(
      copies,
      copies.map(({ file }) => file.buffer),
    );
    const answer = await receive();
    if ("files" in answer) return answer.files;
    const { code, message, remedy } = answer.error;
    throw new VaultError(code, message, { remedy });
  }

  async function receive(): Promise<WorkerAnswer> {
    try {
      const [answer] = await once(worker, "message", { signal: gone.signal });
      return answer as WorkerAnswer;
    } catch (error) {
      throw new VaultError("FAILED", "A worker thread ended before its work was done.", {
        remedy: "Nothing was changed; run the command again, with more memory free.",
        cause: failure ?? error,
      });
    }
  }

  return { worker, ask };
}

/** Milliseconds, roughly. */
function estimate({ kind, file }: ReencryptJob, recipients: readonly Recipient[]): number {
  const wrap = WRAP_MS[recipients[0]?.kind ?? "x25519"];
  const content = kind !== "add-recipients" ? (file.length / 1e6) * RE_ENCRYPTED_MEGABYTE_MS : 0;
  // Two more for opening the old file and the new one.
  return FILE_MS[kind] + (recipients.length + 2) * wrap + content;
}

/** Ranges of neighbouring jobs of about the same cost. */
function chunksOf(costs: readonly number[]): [start: number, end: number][] {
  const chunks: [number, number][] = [];
  let start = 0;
  let cost = 0;
  costs.forEach((ms, index) => {
    cost += ms;
    if (cost < CHUNK_MS && index < costs.length - 1) return;
    chunks.push([start, index + 1]);
    start = index + 1;
    cost = 0;
  });
  return chunks;
}
