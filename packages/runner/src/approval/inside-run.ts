import { readFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { processStatus } from "@agent-vault/vault/read-only";
import { SYSTEM_ENVIRONMENT } from "../child/system-environment.js";
import { terminalOwners } from "./terminal-owners.js";

/** The words of agent-vault that start commands of others, as they are typed and as its launcher marks them. */
const STARTING = /^\.?(?:run|exec|mcp|proxy)$/;
/** How far a process is followed up. */
const MAX_ANCESTORS = 64;

/**
 * Whether a command that agent-vault runs has started this process, itself or by others, or owns the terminal of this process: it leads the terminal's
 * session, or holds its other side, on which the answers are typed. Such a command decides what is typed there and what the environment is, so
 * neither can hold a person's answer to what it asks. A hint: what cuts itself off from its parents and makes a terminal of its own is not seen.
 */
export function isInsideRun(parent: number = process.ppid, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === "win32") return false;
  const lookUp = platform === "linux" ? linuxProcess : tableOf();
  const isStartedByRun = (first: number): boolean => {
    let pid = first;
    for (let count = 0; pid > 1 && count < MAX_ANCESTORS; count++) {
      const entry = lookUp(pid);
      if (!entry) return false;
      if (startsCommands(entry.words)) return true;
      pid = entry.parent;
    }
    return false;
  };
  return isStartedByRun(parent) || (platform === "linux" && terminalOwners(process.pid).some(isStartedByRun));
}

/** Whether a command line is one of agent-vault's that starts commands. */
export function startsCommands(words: readonly string[]): boolean {
  const program = words.findIndex((word) => /^agent-vault(?:\.js|\.cmd)?$/.test(basename(word)));
  return program >= 0 && words.slice(program + 1).some((word) => STARTING.test(word));
}

interface AncestorProcess {
  readonly parent: number;
  readonly words: readonly string[];
}

function linuxProcess(pid: number): AncestorProcess | undefined {
  const parent = Number(processStatus(pid)?.[1]);
  if (!Number.isInteger(parent)) return undefined;
  try {
    return { parent, words: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0") };
  } catch {
    return undefined;
  }
}

/** All processes, asked for once. */
function tableOf(): (pid: number) => AncestorProcess | undefined {
  const { stdout } = spawnSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,command="], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: SYSTEM_ENVIRONMENT,
  });
  const rows = (stdout ?? "").matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm);
  const table = new Map(Array.from(rows, ([, pid, parent, line]) => [Number(pid), { parent: Number(parent), words: line!.split(/\s+/) }]));
  return (pid) => table.get(pid);
}
