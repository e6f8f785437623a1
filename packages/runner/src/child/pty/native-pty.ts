import { createRequire } from "node:module";
import process from "node:process";
import { ReadStream } from "node:tty";
import type { PtyProcess, PtyRequest, StartPty } from "./pty-process.js";

/** The addon of @lydell/node-pty (its unixTerminal.js), whose own wrapper closes the terminal 200 ms after its leader has ended. */
interface Addon {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (exitCode: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number };
  resize(fd: number, columns: number, rows: number): void;
}

/** Pseudo-terminals by the addon that @lydell/node-pty brings for this platform. @returns `undefined` where there is none that loads */
export function nativePty(): StartPty | undefined {
  if (process.platform !== "linux" && process.platform !== "darwin") return undefined;
  try {
    const require = createRequire(import.meta.url);
    const platform = `@lydell/node-pty-${process.platform}-${process.arch}`;
    const resolve = createRequire(require.resolve("@lydell/node-pty")).resolve;
    const addon = require(resolve(`${platform}/pty.node`)) as Addon;
    const helper = process.platform === "darwin" ? resolve(`${platform}/spawn-helper`) : "";
    return (request) => start(addon, helper, request);
  } catch {
    return undefined;
  }
}

function start(addon: Addon, helper: string, { argv, cwd, env, size }: PtyRequest): PtyProcess {
  const [file, ...args] = argv as [string, ...string[]];
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  let ended: (end: { exitCode: number; signal: number }) => void;
  const exited = new Promise<{ exitCode: number; signal: number }>((done) => (ended = done));
  const { fd } = addon.fork(file, args, variables, cwd, size.columns, size.rows, -1, -1, true, helper, (exitCode, signal) =>
    ended({ exitCode, signal }),
  );
  const stream = new ReadStream(fd);
  return {
    output: stream,
    input: stream,
    exited,
    resize: ({ columns, rows }) => void (stream.destroyed || addon.resize(fd, columns, rows)),
  };
}
