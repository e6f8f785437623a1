import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
 * It takes a program to make them, so it is best begun before they are needed.
 * @returns `undefined` where sockets do as well, or where no pipe can be made
 */
export async function makeOutputPipes(count: number): Promise<OutputPipe[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const paths = await makeFifos(count);
  if (!paths) return undefined;
  const open: number[] = [];
  try {
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
    rmSync(dirname(paths[0]!), { recursive: true, force: true });
  }
}

/** Makes named pipes in a folder of their own, which is the caller's to remove. @returns their paths; `undefined` where none can be made */
export async function makeFifos(count: number): Promise<string[] | undefined> {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), "agent-vault-"));
    const paths = Array.from({ length: count }, (_, index) => join(folder!, String(index)));
    const mkfifo = spawn("mkfifo", ["-m", "600", ...paths], { stdio: "ignore", env: SYSTEM_ENVIRONMENT });
    const [code] = (await once(mkfifo, "close")) as [number | null];
    if (code === 0) return paths;
  } catch {
    // There is no such program, or no place.
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/** Closes pipes that no child was started with. */
export function closeOutputPipes(pipes: readonly OutputPipe[] | undefined): void {
  for (const { readEnd, writeEnd } of pipes ?? []) {
    readEnd.destroy();
    closeSync(writeEnd);
  }
}
