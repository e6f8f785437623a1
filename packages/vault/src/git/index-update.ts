import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { VaultError } from "../errors.js";
import type { FileChange } from "./changes.js";
import type { GitRepository } from "./repository.js";

/** Has git write the index to the disk before it goes on. */
const DURABLE_INDEX = ["-c", "core.fsync=index"] as const;
/** How long a change waits for git's index. */
const INDEX_TIMEOUT_MS = 5000;
const POLL_INTERVAL_MS = 20;

/**
 * Brings the index's entries of some files up to date, and no other.
 * @param folder of the files, relative to the work tree, with `/`
 * @throws VaultError `BUSY` where another git process holds the index for too long, `GIT_FAILED`, `DISK_FULL`, `UNWRITABLE`
 */
export async function updateIndex(repository: GitRepository, folder: string, changes: readonly FileChange[]): Promise<void> {
  const none = "0".repeat(repository.objectFormat === "sha256" ? 64 : 40);
  const lines = changes.map(({ file, id }) => `${id ? "100644" : "0"} ${id ?? none}\t${folder}/${file}\0`);
  const input = Buffer.from(lines.join(""));
  const deadline = performance.now() + INDEX_TIMEOUT_MS;
  for (;;) {
    await waitForIndex(repository);
    try {
      await repository.run([...DURABLE_INDEX, "update-index", "-z", "--index-info"], { input });
      break;
    } catch (error) {
      // Another process took the index in between.
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
  }
  await repository.try([...DURABLE_INDEX, "update-index", "-q", "--refresh"]).catch((error: unknown) => {
    if (!isBusy(error)) throw error;
  });
}

/** An editor or a prompt may hold git's index for a moment. @throws VaultError `BUSY` where it holds it for longer */
export async function waitForIndex({ gitDir }: GitRepository): Promise<void> {
  const lock = join(gitDir, "index.lock");
  const deadline = performance.now() + INDEX_TIMEOUT_MS;
  while (existsSync(lock)) {
    if (performance.now() > deadline) {
      throw new VaultError("BUSY", "Another git process holds this repository's index.", {
        remedy: `Wait for it to end; if none runs, remove ${lock}. Then run the command again.`,
      });
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof VaultError && error.code === "BUSY";
}
