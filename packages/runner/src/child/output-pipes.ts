import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { SYSTEM_ENVIRONMENT } from "./system-environment.js";

/** A pipe as shells make one: `writeEnd` is for a child, and closed here once the child has it. */
export interface OutputPipe {
  readonly readEnd: Socket;
  readonly writeEnd: number;
}

/**
 * Pipes for a child's output. What Node makes by itself are sockets, and on Linux a program that opens `/dev/stdout` or `/dev/stderr`, as many
 * scripts do, fails on those.
 * @returns `undefined` where sockets do as well, or where no pipe can be made
 */
export function makeOutputPipes(count: number): OutputPipe[] | undefined {
  if (process.platform !== "linux") return undefined;
  let folder: string | undefined;
  const open: number[] = [];
  try {
    folder = mkdtempSync(join(tmpdir(), "agent-vault-"));
    const paths = Array.from({ length: count }, (_, index) => join(folder!, String(index)));
    if (spawnSync("mkfifo", ["-m", "600", ...paths], { stdio: "ignore", env: SYSTEM_ENVIRONMENT }).status !== 0) return undefined;
    const ends = paths.map((path) => {
      const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      open.push(readEnd);
      const writeEnd = openSync(path, constants.O_WRONLY);
      open.push(writeEnd);
      return { readEnd, writeEnd };
    });
    return ends.map(({ readEnd, writeEnd }) => ({ readEnd: new Socket({ fd: readEnd, readable: true, writable: false }), writeEnd }));
  } catch {
    for (const end of open) closeSync(end);
    return undefined;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
