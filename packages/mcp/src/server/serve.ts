import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Context } from "@agent-vault/vault/read-only";
import { LineLimit } from "./line-limit.js";
import { McpService, type ServiceOptions } from "./service.js";

/** What a server is started with, and where its client is. */
export interface ServeOptions extends ServiceOptions {
  /** Where the client's messages come from and go; the standard streams unless given. */
  readonly input?: Readable | undefined;
  readonly output?: Writable | undefined;
}

/** No client has reason to send a longer message. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Serves MCP until the client has gone. Only MCP goes to the output; warnings go to `context.warn`. */
export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { input = process.stdin, output = process.stdout } = options;
  const service = new McpService(context, options);
  const limited = input.pipe(
    new LineLimit(MAX_MESSAGE_BYTES, () => context.warn(`A message of more than ${MAX_MESSAGE_BYTES} bytes was ignored.`)),
  );
  const transport = new StdioServerTransport(limited, output);
  const gone = new Promise<void>((resolve) => limited.once("close", resolve).once("end", resolve));
  const handle = serveStdio(() => service.newServer(), {
    transport,
    onerror: (error) => context.warn(`The client sent an invalid message: ${onOneLine(error)}`),
  });
  // Each answer that waits for a slow client listens.
  output.setMaxListeners(0);
  const lost = new Promise<void>((resolve) => output.once("error", () => resolve()));
  await Promise.race([gone, lost, signalled()]);
  await service.end();
  await handle.close();
}

/** Resolves when this process is asked to end. */
function signalled(): Promise<void> {
  // Each command that runs listens too.
  process.setMaxListeners(0);
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

function onOneLine({ message }: Error): string {
  return message.replaceAll(/\s+/g, " ").slice(0, 200);
}
