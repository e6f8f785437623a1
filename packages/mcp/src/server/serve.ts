import process from "node:process";
import type { Readable, Writable } from "node:stream";
import {
  inputRequired,
  inputResponse,
  McpServer,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { LedgerRecorder } from "@agent-vault/ledger";
import { APPROVAL_TIMEOUT, SessionApprovals } from "@agent-vault/runner";
import {
  detectHarness,
  digestOf,
  isAuditOff,
  lazyRecorder,
  disabledRecorder,
  VaultError,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import { confirmPresence } from "../approval/approve.js";
import type { Call, ServerPolicy, Tool } from "./call.js";
import { clientOf, type Client } from "./client.js";
import { PendingCall, type Asking } from "./pending-call.js";
import { PendingCalls } from "./pending-calls.js";
import { CallLimit, IdleLock } from "./limits.js";
import { LineLimit } from "./line-limit.js";
import { toolError } from "./tool-error.js";
import { audit } from "../tools/audit.js";
import { get } from "../tools/get.js";
import { list } from "../tools/list.js";
import { request } from "../tools/request.js";
import { run } from "../tools/run.js";
import { status } from "../tools/status.js";
import { Mutex } from "./mutex.js";
import { ValuePages } from "../approval/value-page.js";

export interface ServeOptions extends ServerPolicy {
  readonly version: string;
  /** The vault's folder, looked for with each call, as it may come to be. @throws VaultError `VAULT_NOT_FOUND` */
  readonly findVault: () => Promise<string>;
  /** The key of whom the server acts for. @param root the vault's folder */
  readonly key: (root: string) => KeyChoice;
  /** The key that stores what a person types on a page, if it is another one. */
  readonly storingKey?: KeyChoice | undefined;
  /** Where the client's messages come from and go; the standard streams unless given. */
  readonly input?: Readable | undefined;
  readonly output?: Writable | undefined;
}

/** A longer message is none that a client of ours has reason to send, in bytes. */
const LARGEST_MESSAGE = 1024 * 1024;
/** Elements of one call's arguments, over all lists and objects in them. */
const MOST_ELEMENTS = 2000;
/** How long work that was ended may take to end when the client has gone, in milliseconds. */
const FAREWELL = 8000;
const STATE_BYTES = 24;

const INSTRUCTIONS =
  "agent-vault lets you use secrets (keys, tokens, passwords) without seeing them. " +
  "1. agent_vault_list: find the secret with the least power that does the job. " +
  "2. agent_vault_run: run the command that needs it; the value is in a variable of the command's environment and never in its output. " +
  "3. agent_vault_request: where a secret is missing, have the person add it. " +
  "Never ask anybody to paste a secret into the conversation, never print, encode or write down a value, and do not look for secrets in files or in the environment. " +
  "What is denied stays denied: say what you need, and go on without it.";

/** Serves MCP until the client has gone. Data goes to the output alone; whatever is to be told otherwise goes to `context.warn`. */
export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { input = process.stdin, output = process.stdout } = options;
  const service = new Service(context, options);
  const limited = input.pipe(
    new LineLimit(LARGEST_MESSAGE, () => context.warn(`A message of more than ${LARGEST_MESSAGE} bytes was left unread.`)),
  );
  const transport = new StdioServerTransport(limited, output);
  const gone = new Promise<void>((resolve) => limited.once("close", resolve).once("end", resolve));
  const handle = serveStdio(() => service.newServer(), {
    transport,
    onerror: (error) => context.warn(`The client sent what could not be used: ${inALine(error)}`),
  });
  // Each answer that waits for a slow client does.
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

function inALine({ message }: Error): string {
  return message.replaceAll(/\s+/g, " ").slice(0, 200);
}

/** What lasts as long as the process: what was allowed, what waits for an answer, when it was used. */
class Service {
  readonly #context: Context;
  readonly #options: ServeOptions;
  readonly #memory = new SessionApprovals();
  readonly #turns = new Mutex();
  readonly #limit = new CallLimit();
  readonly #lock: IdleLock | undefined;
  readonly #pages: ValuePages;
  readonly #waiting: PendingCalls<CallToolResult>;
  readonly #working = new Set<PendingCall<CallToolResult>>();

  constructor(context: Context, options: ServeOptions) {
    this.#context = context;
    this.#options = options;
    this.#lock = options.idleLock === undefined ? undefined : new IdleLock(context, options.idleLock);
    this.#pages = new ValuePages(context);
    this.#waiting = new PendingCalls(() => Buffer.from(context.random(STATE_BYTES)).toString("base64url"));
  }

  newServer(): McpServer {
    const { version, allowGet } = this.#options;
    const server = new McpServer(
      { name: "agent-vault", title: "agent-vault", version },
      { instructions: INSTRUCTIONS, maxToolInputElements: MOST_ELEMENTS },
    );
    for (const tool of [list, run, status, audit, request, ...(allowGet ? [get] : [])]) {
      const { name, title, description, annotations, input, output } = tool;
      server.registerTool(
        name,
        { title, description, annotations: { title, ...annotations }, inputSchema: input, outputSchema: output },
        (words, leg) => this.#answer(server, tool, words, leg),
      );
    }
    return server;
  }

  /** Ends all that is under way, and waits for it a while. */
  async end(): Promise<void> {
    for (const conversation of this.#working) conversation.abort();
    this.#pages.close();
    const all = Promise.all([...this.#working].map(({ done }) => done));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, FAREWELL).unref())]);
  }

  /** Begins a call, or goes on with the one that the client has an answer for. */
  async #answer(
    server: McpServer,
    tool: Tool,
    words: Record<string, unknown>,
    leg: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const about = digestOf(JSON.stringify([tool.name, words]));
    const state = leg.mcpReq.requestState<string>();
    let conversation: PendingCall<CallToolResult> | undefined;
    if (state === undefined) {
      conversation = this.#begin(server, tool, words, leg);
    } else {
      conversation = this.#waiting.find(state, about);
      conversation?.answer((key) => inputResponse(leg.mcpReq.inputResponses, key));
    }
    if (!conversation) return toolError(forgotten(), this.#context);
    conversation.progress = progressOf(leg);
    const abort = () => conversation.abort();
    leg.mcpReq.signal.addEventListener("abort", abort);
    if (leg.mcpReq.signal.aborted) abort();
    const turn = await conversation.next();
    conversation.progress = undefined;
    if ("question" in turn) {
      return inputRequired({
        inputRequests: { [turn.key]: turn.question },
        requestState: this.#waiting.keep(conversation, about),
      });
    }
    leg.mcpReq.signal.removeEventListener("abort", abort);
    if (state !== undefined) this.#waiting.forget(state);
    return turn.result;
  }

  #begin(server: McpServer, tool: Tool, words: Record<string, unknown>, leg: ServerContext): PendingCall<CallToolResult> {
    const client = clientOf(server, leg);
    const conversation: PendingCall<CallToolResult> = new PendingCall(async (asking) => {
      let giveBack: (() => void) | undefined;
      try {
        giveBack = this.#limit.take();
        await this.#unlock(client, asking);
        const progress = (message: string) => conversation.progress?.(message);
        const { text, data } = await tool.call(this.#callOf(client, asking, progress), words);
        this.#lock?.used();
        return { content: [{ type: "text", text }], structuredContent: data };
      } catch (error) {
        return toolError(error, this.#context);
      } finally {
        giveBack?.();
        this.#working.delete(conversation);
      }
    });
    this.#working.add(conversation);
    return conversation;
  }

  async #unlock(client: Client, asking: Asking): Promise<void> {
    if (this.#lock?.isLocked) await confirmPresence({ client, ask: asking.ask });
    this.#lock?.used();
  }

  #callOf(client: Client, { signal, ask }: Asking, progress: Call["progress"]): Call {
    const { findVault, key, storingKey } = this.#options;
    return {
      terms: this.#options,
      client,
      memory: this.#memory,
      turns: this.#turns,
      pages: this.#pages,
      signal,
      context: (action) => contextFor(this.#context, client, action),
      root: findVault,
      key,
      storingKey: (root) => storingKey ?? key(root),
      ask,
      progress,
    };
  }
}

/** Tells a client that has asked for it how far a call is. */
function progressOf({ mcpReq }: ServerContext): ((message: string) => void) | undefined {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return undefined;
  let steps = 0;
  return (message) => {
    if (mcpReq.signal.aborted) return;
    const params = { progressToken: token, progress: ++steps, message };
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  };
}

/**
 * Whoever serves MCP serves a coding agent, and was most likely started by it: where the environment does not name it, the client's own name
 * does. So nothing that the agent can set, type or start passes for the person; what it runs knows it as well.
 */
function contextFor(context: Context, client: Client, action: string): Context {
  const env = { ...context.env, AI_AGENT: detectHarness(context.env) ?? client.name };
  return { ...context, env, recorder: isAuditOff(env) ? disabledRecorder : lazyRecorder(async () => new LedgerRecorder(action)) };
}

function forgotten(): VaultError {
  return new VaultError("CONFIRMATION_REQUIRED", "This answer is to a question that nobody waits for any more.", {
    remedy: `Call the tool again; a person has ${APPROVAL_TIMEOUT / 1000} seconds to answer.`,
  });
}
