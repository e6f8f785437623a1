import { Socket } from "node:net";
import process from "node:process";
import { text } from "node:stream/consumers";
import { isatty, ReadStream } from "node:tty";
import type { Duplex, Readable } from "node:stream";
import { isSystemError } from "@agent-vault/vault/read-only";
import { KnownSecrets } from "../scrub/known-secrets.js";
import type { LeftBehind } from "./left-behind.js";

const FIRST_SOURCE = 3;

/** Goes on with the outputs of a command that has ended, as long as something writes to them. Its words and its environment hold no secret. */
const { secrets, allowShort, outputs } = JSON.parse(await text(process.stdin)) as LeftBehind;
const known = new KnownSecrets(
  secrets.map(({ name, base64 }) => ({ name, value: Buffer.from(base64, "base64") })),
  { allowShort },
);
process.on("SIGHUP", () => {});
for (const [index, { to, unfinished, passed }] of outputs.entries()) {
  const source = open(FIRST_SOURCE + index);
  const output = process[to];
  const through = known.stream(output.isTTY ? { columns: () => output.columns } : {});
  through.goOnFrom({ bytes: Buffer.from(unfinished, "base64"), passed });
  output.on("error", (error) => readerIsGone(error, source, through));
  source.on("error", () => source.destroy()).once("close", () => through.end());
  source.pipe(through).pipe(output, { end: false });
}

function open(descriptor: number): Readable {
  return isatty(descriptor) ? new ReadStream(descriptor) : new Socket({ fd: descriptor, readable: true, writable: false });
}

/** Where the reader has seen enough, the writer's next write ends it, as in a shell. A terminal that was closed ends nothing. */
function readerIsGone(error: Error, source: Readable, through: Duplex): void {
  through.unpipe().resume();
  if (isSystemError(error, "EPIPE")) source.destroy();
}
