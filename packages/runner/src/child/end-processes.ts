import { spawnSync } from "node:child_process";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { allProcesses, type ProcessEntry } from "./process-table.js";

/** How often it is checked whether processes that were asked to end have ended. */
const POLL_INTERVAL_MS = 20;
/** How long the kernel may take to end a process. */
const MAX_KILL_MS = 1000;

/** Sends a signal to a process, or to a group by its negative number, if it has not ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** Ends a child's whole group: asks, and kills after `graceMs`. Resolves when it is gone. */
export function endGroup(leader: number, graceMs: number): Promise<void> {
  ask(-leader);
  return waitUntilGone(() => allProcesses().filter(({ group }) => group === leader), graceMs);
}

/**
 * As {@link endGroup}, for a child that shares our group with the shell's other programs: it, and all that descend from it.
 * @param isLeader whether all that is in its session belongs to it, too
 */
export async function endTree(child: number, graceMs: number, isLeader = false): Promise<void> {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(child), "/t", "/f"], { stdio: "ignore" });
    return;
  }
  // Those whose parent ends have another one from then on.
  const tree = new Set([child]);
  const find = () => {
    const all = allProcesses();
    for (const { pid } of descendants(tree, all)) tree.add(pid);
    return all.filter(({ pid, session }) => tree.has(pid) || (isLeader && session === child));
  };
  for (const { pid } of find()) ask(pid);
  await waitUntilGone(find, graceMs);
}

function ask(pid: number): void {
  sendSignal(pid, "SIGTERM");
  sendSignal(pid, "SIGCONT");
}

async function waitUntilGone(find: () => ProcessEntry[], graceMs: number): Promise<void> {
  const start = performance.now();
  for (;;) {
    const left = find().filter(({ zombie }) => !zombie);
    const waited = performance.now() - start;
    if (left.length === 0 || waited > graceMs + MAX_KILL_MS) return;
    if (waited >= graceMs) for (const { pid } of left) sendSignal(pid, "SIGKILL");
    await setTimeout(POLL_INTERVAL_MS);
  }
}

function descendants(roots: ReadonlySet<number>, all: readonly ProcessEntry[]): ProcessEntry[] {
  const found = all.filter(({ pid, parent }) => !roots.has(pid) && roots.has(parent));
  return found.length === 0 ? [] : [...found, ...descendants(new Set([...roots, ...found.map(({ pid }) => pid)]), all)];
}
