import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { isProcessAlive, machineId, processStart } from "./process-alive.js";

/** How long a change waits for another one. */
const LOCK_TIMEOUT_MS = 10_000;
/** How often a holder renews its claim while it works. */
const RENEWAL_MS = 10_000;
/** A claim of another machine or container that was not renewed for this long is a dead one's. */
const MAX_CLAIM_AGE_MS = 60_000;

/**
 * Runs `work` while no other process changes the vault.
 *
 * Each process that wants to write puts up a claim, a file of its own whose name says who it is, and then looks whether another
 * living process has one up too. Where it sees one it takes its own down and tries again later. Of two claims at least one is put up
 * before the other's look, so no two processes ever both go ahead; a dead process's claim has a name that nobody uses again, so
 * removing it is safe at any time. Whether a process of another machine or container lives cannot be asked, so each renews its claim while
 * it works, and one that has not been renewed for a minute is taken for dead.
 * @param folder where the claims lie; it is made if missing.
 * @param timeoutMs how long to wait for others
 * @throws VaultError `BUSY` where another process holds the lock for longer, `UNWRITABLE`, `DISK_FULL`
 */
export async function withWriteLock<T>(context: Context, folder: string, work: () => Promise<T>, timeoutMs = LOCK_TIMEOUT_MS): Promise<T> {
  const claim = await acquire(context, folder, timeoutMs);
  const renewal = setInterval(() => renew(claim), RENEWAL_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    remove(claim);
  }
}

/** As {@link withWriteLock}, for work that cannot wait: the whole process does until the lock is free. @throws VaultError as there */
export function withWriteLockSync<T>(context: Context, folder: string, work: () => T, timeoutMs = LOCK_TIMEOUT_MS): T {
  const attempt = attemptsUntil(context, folder, timeoutMs);
  let claim: string | undefined;
  while ((claim = attempt()) === undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs(context));
  try {
    return work();
  } finally {
    remove(claim);
  }
}

/** The claims in a folder, each with the seconds since its process renewed it. */
export function claimsIn(folder: string): { readonly file: string; readonly ageS: number }[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.startsWith("claim."));
  return files.flatMap((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return stat ? [{ file: join(folder, name), ageS: Math.max(0, Math.round((Date.now() - stat.mtimeMs) / 1000)) }] : [];
  });
}

async function acquire(context: Context, folder: string, timeoutMs: number): Promise<string> {
  const attempt = attemptsUntil(context, folder, timeoutMs);
  for (;;) {
    const claim = attempt();
    if (claim !== undefined) return claim;
    await sleep(pauseMs(context));
  }
}

/** Puts up a claim and takes it down again where another process has one up, each time that it is called, until time is up. */
function attemptsUntil(context: Context, folder: string, timeoutMs: number): () => string | undefined {
  const machine = machineId();
  const claim = join(
    folder,
    `claim.${machine}.${process.pid}.${processStart(process.pid) ?? UNKNOWN}.${Buffer.from(context.random(6)).toString("hex")}`,
  );
  const deadline = performance.now() + timeoutMs;
  return () => {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(claim, "", { flag: "wx" });
    } catch (error) {
      throw writeError(error, folder);
    }
    const other = otherClaims(folder, claim).find((name) => isAlive(name, machine, folder, claim));
    if (other === undefined) return claim;
    remove(claim);
    if (performance.now() > deadline) throw busy(join(folder, other));
    return undefined;
  };
}

/** Another length each time, so that two that wait for each other do not go on meeting. */
function pauseMs(context: Context): number {
  return 5 + context.random(1)[0]! / 5;
}

function otherClaims(folder: string, own: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("claim.") && join(folder, name) !== own);
}

/** Whether the process behind a claim lives; a dead one's claim is removed. */
function isAlive(name: string, machine: string, folder: string, own: string): boolean {
  const [, claimMachine, pid, start] = name.split(".");
  if (claimMachine === machine) {
    const present = processStart(Number(pid)) ?? UNKNOWN;
    if (isProcessAlive(Number(pid)) && [start, UNKNOWN].includes(present)) return true;
  } else if (ageOf(join(folder, name), own) < MAX_CLAIM_AGE_MS) return true;
  remove(join(folder, name));
  return false;
}

/** How much older a claim is than another, by the clock of the file system that both lie in: clocks of machines differ. */
function ageOf(claim: string, newer: string): number {
  const [from, to] = [claim, newer].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs);
  return from === undefined || to === undefined ? 0 : to - from;
}

/** A byte more makes the file system set the time. */
function renew(claim: string): void {
  try {
    const file = openSync(claim, constants.O_WRONLY | constants.O_APPEND);
    writeSync(file, ".");
    closeSync(file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/** The start that a claim gives for a process whose start is not known. */
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
    remedy: `Wait for it to end and try again. If it ran on another machine and is gone, this ends by itself within a minute; its claim is ${claim}.`,
  });
}
