import { parentPort, workerData } from "node:worker_threads";
import { VaultError, type ErrorCode } from "../errors.js";
import { parseIdentity } from "./identity.js";
import { parseRecipientSets, runJob, type ReencryptJob } from "./job.js";

/** What a worker starts with. */
export interface WorkerTask {
  readonly recipientSets: readonly (readonly string[])[];
  /** `AGE-SECRET-KEY-...` */
  readonly identities: readonly string[];
}

/** A worker's answer to a list of jobs: the new files in the order of the jobs, or the first error. */
export type WorkerAnswer = { files: Uint8Array[] } | { error: { code: ErrorCode; message: string; remedy: string | undefined } };

const task = workerData as WorkerTask;
const recipientSets = parseRecipientSets(task.recipientSets);
const identities = task.identities.map(parseIdentity);

parentPort!.on("message", (jobs: ReencryptJob[]) => {
  void answer(jobs);
});

async function answer(jobs: readonly ReencryptJob[]): Promise<void> {
  const files: Uint8Array[] = [];
  try {
    for (const job of jobs) files.push(await runJob(job, recipientSets[job.recipients]!, identities));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    reply({ error: error.toJSON() }, []);
    return;
  }
  reply({ files }, files);
}

function reply(message: WorkerAnswer, files: readonly Uint8Array[]): void {
  parentPort!.postMessage(
    message,
    files.map(({ buffer }) => buffer as ArrayBuffer),
  );
}
