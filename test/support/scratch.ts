import { accessSync, constants, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** More than all tests that run at a time ever hold; a container's is 64 MiB unless it was told otherwise. */
const ENOUGH_BYTES = 2 * 1024 ** 3;

/** Where tests make their machines: in memory where the system has a folder for it that holds enough and runs programs, else in the folder of temporary files. */
export const SCRATCH = isFit(MEMORY) ? MEMORY : tmpdir();

function isFit(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < ENOUGH_BYTES) return false;
    const place = mkdtempSync(join(folder, "agent-vault-scratch-"));
    try {
      const program = join(place, "program");
      writeFileSync(program, "", { mode: 0o755 });
      accessSync(program, constants.X_OK);
      return true;
    } finally {
      rmSync(place, { recursive: true });
    }
  } catch {
    return false;
  }
}
