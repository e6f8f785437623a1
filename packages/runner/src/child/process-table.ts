import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";
import { processStatus } from "@agent-vault/vault/read-only";
import { SYSTEM_ENVIRONMENT } from "./system-environment.js";

/** A process of the system. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Linux only. */
  readonly session: number | undefined;
  /** Has ended, and its parent has not asked how. */
  readonly zombie: boolean;
  /** The group in the foreground of its terminal; Linux only. */
  readonly foreground: number | undefined;
  /** When it began, in the kernel's count; Linux only. */
  readonly begin: string | undefined;
}

/** All processes of the system that we can see. */
export function allProcesses(): ProcessEntry[] {
  if (process.platform === "linux")
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (processEntry(Number(name)) ?? []) : []));
  const table =
    spawnSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: SYSTEM_ENVIRONMENT,
    }).stdout ?? "";
  return [...table.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S)/gm)].map(([, pid, parent, group, state]) => ({
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: undefined,
    zombie: state === "Z",
    foreground: undefined,
    begin: undefined,
  }));
}

/** One process of a Linux system (proc_pid_stat(5)); `undefined` where there is none. */
export function processEntry(pid: number): ProcessEntry | undefined {
  const fields = processStatus(pid);
  if (!fields) return undefined;
  const [state, parent, group, session, , foreground, ...rest] = fields;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    zombie: state === "Z",
    foreground: Number(foreground),
    begin: rest[13],
  };
}
