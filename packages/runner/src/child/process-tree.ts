import { spawnSync } from "node:child_process";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

/** How often a group that was asked to end is looked at, in milliseconds. */
const LOOK_AGAIN = 20;

/** Sends a signal to a process, or to a group by its negative number. @returns whether there was anybody to get it */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Ends a child's whole group: asks, and after `grace` milliseconds no longer asks. Resolves when it is gone. */
export async function endGroup(leader: number, grace: number): Promise<void> {
  sendSignal(-leader, "SIGTERM");
  sendSignal(-leader, "SIGCONT");
  const patience = performance.now() + grace;
  while (sendSignal(-leader, 0)) {
    if (performance.now() >= patience) {
      sendSignal(-leader, "SIGKILL");
      return;
    }
    await setTimeout(LOOK_AGAIN);
  }
}

/** As {@link endGroup}, for a child that shares our group with the shell's other programs: it, and all that descend from it. */
export async function endTree(child: number, grace: number): Promise<void> {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(child), "/t", "/f"], { stdio: "ignore" });
    return;
  }
  const tree = [child, ...descendantsOf(child)];
  for (const pid of tree) sendSignal(pid, "SIGTERM");
  for (const pid of tree) sendSignal(pid, "SIGCONT");
  const patience = performance.now() + grace;
  while (tree.some((pid) => sendSignal(pid, 0))) {
    if (performance.now() >= patience) {
      for (const pid of tree) sendSignal(pid, "SIGKILL");
      return;
    }
    await setTimeout(LOOK_AGAIN);
  }
}

function descendantsOf(ancestor: number): number[] {
  const table = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).stdout ?? "";
  const processes = [...table.matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm)].map(([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
  const childrenOf = (parent: number): number[] =>
    processes.filter((one) => one.parent === parent).flatMap(({ pid }) => [pid, ...childrenOf(pid)]);
  return childrenOf(ancestor);
}
