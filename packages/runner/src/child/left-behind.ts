import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { SecretToScrub } from "../scrub/known-secrets.js";
import type { UnfinishedOutput } from "../scrub/scrub-stream.js";
import { SYSTEM_ENVIRONMENT } from "./system-environment.js";

/** An output that processes still hold which a command has left behind. */
export interface LeftOutput {
  readonly source: Readable;
  /** Where it goes: a standard stream of ours, or nowhere. */
  readonly to: "stdout" | "stderr" | undefined;
}

/** What the process that goes on with such outputs is told, on its standard input. Descriptors from 3 on are the sources. */
export interface LeftBehind {
  readonly secrets: readonly { readonly name: string; readonly base64: string }[];
  readonly allowShort: boolean;
  readonly outputs: readonly {
    readonly to: "stdout" | "stderr";
    /** The end of what came before, in base64, and how many bytes of it have been passed on. */
    readonly unfinished: string;
    readonly passed: number;
  }[];
}

/** What is scrubbed. */
export interface ScrubSetting {
  readonly secrets: readonly SecretToScrub[];
  readonly allowShort: boolean;
}

/**
 * A process that goes on with outputs as long as something writes to them: scrubbed, or thrown away where they go nowhere. It is in a session of
 * its own, so neither Ctrl-C nor a closed terminal ends it. The secrets reach it through a pipe.
 */
export class LeftBehindProcess {
  readonly #outputs: readonly LeftOutput[];
  readonly #process: ChildProcess | undefined;

  /**
   * Starts it, and closes the sources here.
   * @param held a descriptor that it keeps open
   */
  constructor(outputs: readonly LeftOutput[], held?: number) {
    this.#outputs = outputs;
    const shown = outputs.filter(({ to }) => to !== undefined);
    for (const { source } of outputs.filter(({ to }) => to === undefined)) start("cat", [], [source, "ignore", "ignore"]);
    this.#process = shown.length === 0 ? undefined : startScrubbing(shown, held);
    for (const { source } of outputs) source.destroy();
  }

  /**
   * Has it begin, when all that came before has been handed on.
   * @param unfinished for each output
   */
  async begin({ secrets, allowShort }: ScrubSetting, unfinished: readonly (UnfinishedOutput | undefined)[]): Promise<void> {
    const pipe = this.#process?.stdin;
    if (!pipe) return;
    const told: LeftBehind = {
      secrets: secrets.map(({ name, value }) => ({ name, base64: base64(value) })),
      allowShort,
      outputs: this.#outputs.flatMap(({ to }, index) => {
        const { bytes = "", passed = 0 } = unfinished[index] ?? {};
        return to === undefined ? [] : [{ to, unfinished: base64(bytes), passed }];
      }),
    };
    pipe.on("error", () => {}).end(JSON.stringify(told));
    await once(pipe, "close").catch(() => {});
  }
}

function base64(value: Uint8Array | string): string {
  return Buffer.from(value as Uint8Array).toString("base64");
}

type Stdio = readonly (Readable | number | "pipe" | "ignore" | "inherit")[];

function startScrubbing(shown: readonly LeftOutput[], held: number | undefined): ChildProcess {
  const program = new URL("./left-behind-process.js", import.meta.url);
  const descriptors = [...shown.map(({ source }) => source), ...(held === undefined ? [] : [held])];
  return start(process.execPath, [fileURLToPath(program)], ["pipe", "inherit", "inherit", ...descriptors]);
}

function start(program: string, args: readonly string[], stdio: Stdio): ChildProcess {
  const child = spawn(program, args, { cwd: "/", env: SYSTEM_ENVIRONMENT, stdio: [...stdio], detached: true, windowsHide: true });
  child.on("error", () => {}).unref();
  return child;
}
