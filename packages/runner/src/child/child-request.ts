import type { Duplex, Writable } from "node:stream";
import type { Context } from "@agent-vault/vault/read-only";
import type { ScrubSetting } from "./left-behind.js";
import type { OutputPipe } from "./output-pipes.js";
import type { PreparedPty } from "./pty/prepare-pty.js";

/** A program to run, and all that it gets. */
export interface ChildRequest {
  /** The program and its arguments, which reach it as they are; with `shell` the line for a shell. */
  readonly command: readonly string[];
  readonly shell?: boolean | undefined;
  /** Absolute path. */
  readonly cwd: string;
  /** The variables that the child gets beside the secrets; agent-vault's own variables are taken out here. */
  readonly env: Context["env"];
  /** Variables with secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Passes on a short list of `env` only. */
  readonly clean?: boolean | undefined;
  /** Hands over the person's own terminal: nothing is scrubbed, and `stdout` and `stderr` are not used. */
  readonly tty?: boolean | undefined;
  /** A terminal of its own, instead of pipes, whose output goes through that of `stdout`. */
  readonly pty?: PreparedPty | undefined;
  /** How long it may run. */
  readonly timeoutMs?: number | undefined;
  /** How long a child that was asked to end has until it is killed; 5 seconds unless given. */
  readonly graceMs?: number | undefined;
  /** Ends the child, with all that it started, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Standard input; `inherit` unless given. */
  readonly stdin?: "inherit" | "ignore" | undefined;
  readonly stdout: ChildOutput;
  readonly stderr: ChildOutput;
  /** What is scrubbed of outputs that processes still hold which the child has left behind; without it they are thrown away. */
  readonly scrub?: ScrubSetting | undefined;
  /** Two pipes for them, where they were made before. */
  readonly pipes?: readonly OutputPipe[] | undefined;
}

/** Where a stream of the child's goes, and what it passes on the way there: the scrubber. */
export interface ChildOutput {
  readonly through: Duplex;
  /** Stays open. */
  readonly to: Writable;
}

/** How a child ended. */
export interface ChildEnd {
  /** As shells count: the child's own, 128 and the signal's number, 124 where the time was up. */
  readonly exitCode: number;
  /** What ended the child. */
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  /** Whether it was ended by the request's `signal`. */
  readonly cancelled: boolean;
  /** The signals that we got, and the child with us. */
  readonly passedOn: ReadonlySet<NodeJS.Signals>;
  /** Whether processes that the child left behind go on with its terminal; this process has to be ended then, which watches it. */
  readonly leftTerminal?: boolean;
  /** Why output could not be written, other than that its reader had seen enough. */
  readonly unwritten: Error | undefined;
}
