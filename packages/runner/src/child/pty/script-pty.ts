import { spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import process from "node:process";
import { isExecutable, shellWord } from "@agent-vault/vault/read-only";
import { SYSTEM_ENVIRONMENT } from "../system-environment.js";
import type { PtyProcess, PtyRequest, StartPty } from "./pty-process.js";

const SCRIPT = ["/usr/bin/script", "/bin/script"];

/** Pseudo-terminals by the program `script` of util-linux, for systems that the addon is not made for. @returns `undefined` where there is none */
export function scriptPty(): StartPty | undefined {
  if (process.platform !== "linux") return undefined;
  const program = SCRIPT.find((file) => isExecutable(file));
  const isKnown = program !== undefined && spawnSync(program, ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux");
  return isKnown ? (request) => start(program, request) : undefined;
}

function start(program: string, { argv, cwd, env, size }: PtyRequest): PtyProcess {
  const line = `stty rows ${size.rows} cols ${size.columns}; exec ${argv.map(shellWord).join(" ")}`;
  const child = spawn(program, ["-q", "-e", "-f", "-c", line, "/dev/null"], {
    cwd,
    // It starts the line by this shell.
    env: { ...env, SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const exited = new Promise<{ exitCode: number; signal: number }>((done) => {
    child.once("exit", (exitCode) => done({ exitCode: exitCode ?? 1, signal: 0 }));
    child.once("error", () => done({ exitCode: 126, signal: 0 }));
  });
  child.stdin.on("error", () => {});
  return { output: child.stdout, input: child.stdin, exited, resize: ({ columns, rows }, leader) => resize(leader, columns, rows) };
}

function resize(leader: number | undefined, columns: number, rows: number): void {
  if (leader === undefined) return;
  try {
    const terminal = readlinkSync(`/proc/${leader}/fd/0`);
    spawnSync("stty", ["-F", terminal, "rows", String(rows), "cols", String(columns)], { env: SYSTEM_ENVIRONMENT, stdio: "ignore" });
  } catch {
    // It has ended.
  }
}
