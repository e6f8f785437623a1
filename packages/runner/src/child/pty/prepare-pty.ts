import { Monitor } from "./monitor.js";
import { nativePty } from "./native-pty.js";
import { PersonsTerminal, type TerminalStreams } from "./persons-terminal.js";
import type { StartPty } from "./pty-process.js";
import { scriptPty } from "./script-pty.js";

/** What a pseudo-terminal for a command takes. */
export interface PreparedPty {
  readonly start: StartPty;
  readonly monitor: Monitor;
  readonly streams: TerminalStreams;
}

/** Makes what can be made before it is known whether the command may run. @returns `undefined` where there can be no pseudo-terminal */
export async function preparePty(streams: TerminalStreams): Promise<PreparedPty | undefined> {
  const start = nativePty() ?? scriptPty();
  const monitor = start && (await Monitor.prepare());
  return monitor && { start, monitor, streams };
}

/** The person's terminal, where it can be set. It is to be opened when nothing else sets it. */
export function openPersonsTerminal({ streams }: PreparedPty): Promise<PersonsTerminal | undefined> {
  return PersonsTerminal.open(streams);
}
