import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { isSystemError } from "../errors.js";

/** Whether there is a process with this id, whosever it is. The id may be that of a later one: see {@link processStart}. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !isSystemError(error, "ESRCH");
  }
  return true;
}

/**
 * When a process began, in the kernel's ticks since boot, which tells it from a later one with the same id; `ended` for one that has ended
 * and was not waited for, `undefined` where it cannot be told.
 */
export function processStart(pid: number): string | undefined {
  const fields = processStatus(pid);
  return fields?.[0] === "Z" ? "ended" : fields?.[19];
}

/**
 * What Linux says of a process (proc_pid_stat(5)), from its third field on, the state; `undefined` where there is no such process, or
 * another system.
 */
export function processStatus(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name before these fields may hold anything, spaces and brackets too.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** This machine and, in a container, its space of process ids. A host name alone may be that of another machine as well. */
export function machineId(): string {
  const marks = [hostname(), onLinux(() => readFileSync("/etc/machine-id", "latin1")), onLinux(() => readlinkSync("/proc/self/ns/pid"))];
  return createHash("sha256").update(marks.join("\n")).digest("hex").slice(0, 12);
}

function onLinux(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}
