import { readFileSync } from "node:fs";
import process from "node:process";

/** Whether a process lives; one that has ended and that its parent has not asked about does not, where the system tells (Linux). */
export function lives(pid: number | string): boolean {
  try {
    if (process.platform !== "linux") return process.kill(Number(pid), 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
