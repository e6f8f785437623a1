import { mkdirSync, readdirSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createHash } from "node:crypto";
import type { Context } from "../context.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { isProcessAlive, processStart } from "./process-alive.js";

/** How long a change waits for another one, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Runs `work` while no other process changes the vault.
 *
 * Each process that wants to write puts up a claim, a file of its own whose name says who it is, and then looks whether another
 * living process has one up too. Where it sees one it takes its own down and tries again later. Of two claims at least one is put up
 * before the other's look, so no two processes ever both go ahead; a dead process's claim has a name that nobody uses again, so
 * removing it is safe at any time.
 * @param folder where the claims lie; it is made if missing.
 * @param patience how long to wait for others, in milliseconds
 * @throws VaultError `BUSY` when the wait was in vain, `UNWRITABLE`, `DISK_FULL`
 */
export async function withWriteLock<T>(context: Context, folder: string, work: () => Promise<T>, patience = PATIENCE): Promise<T> {
  const claim = await acquire(context, folder, patience);
  try {
    return await work();
  } finally {
    remove(claim);
  }
}

async function acquire(context: Context, folder: string, patience: number): Promise<string> {
  const machine = machineId();
  const claim = join(
    folder,
    `claim.${machine}.${process.pid}.${processStart(process.pid) ?? UNKNOWN}.${Buffer.from(context.random(6)).toString("hex")}`,
  );
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(claim, "", { flag: "wx" });
    } catch (error) {
      throw writeError(error, folder);
    }
    const other = otherClaims(folder, claim).find((name) => isAlive(name, machine, folder));
    if (other === undefined) return claim;
    remove(claim);
    if (performance.now() > deadline) throw busy(join(folder, other));
    await sleep(5 + context.random(1)[0]! / 5);
  }
}

function otherClaims(folder: string, own: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("claim.") && join(folder, name) !== own);
}

/** Whether the process behind a claim lives; a dead one's claim is removed. What cannot be judged from here counts as alive. */
function isAlive(name: string, machine: string, folder: string): boolean {
  const [, claimMachine, pid, start] = name.split(".");
  if (claimMachine !== machine) return true;
  const present = processStart(Number(pid)) ?? UNKNOWN;
  if (isProcessAlive(Number(pid)) && [start, UNKNOWN].includes(present)) return true;
  remove(join(folder, name));
  return false;
}

/** This machine and, in a container, its space of process ids. A host name alone may be that of another machine as well. */
function machineId(): string {
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

/** Stands in a claim for the start of a process that cannot be told. */
const UNKNOWN = "0";

function remove(claim: string): void {
  try {
    unlinkSync(claim);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}

function busy(claim: string): VaultError {
  return new VaultError("BUSY", "Another process is changing this vault.", {
    remedy: `Wait for it to end and try again; if it runs on another machine and is gone, remove ${claim}.`,
  });
}
