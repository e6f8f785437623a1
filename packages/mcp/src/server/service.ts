import {
  inputRequired,
  inputResponse,
  McpServer,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { LedgerRecorder } from "@agent-vault/ledger";
import { APPROVAL_TIMEOUT_MS, SessionApprovals } from "@agent-vault/runner";
import { detectHarness, digestOf, chooseRecorder, VaultError, type Context, type KeyChoice } from "@agent-vault/vault/read-only";
import { confirmPresence } from "../approval/approve.js";
import { ValuePages } from "../value-page/value-pages.js";
import { toolsOf } from "../tools/tools.js";
import type { Call, ServerPolicy, Tool } from "../call/call.js";
import { clientOf, type Client } from "../call/client.js";
import { Heartbeat } from "./heartbeat.js";
import { INSTRUCTIONS } from "./instructions.js";
import { CallLimit, IdleLock } from "./limits.js";
import { PendingCall, type Asking } from "./pending-call.js";
import { PendingCalls } from "./pending-calls.js";
import { toolError } from "./tool-error.js";

/** What a server is started with. */
export interface ServiceOptions extends ServerPolicy {
  readonly version: string;
  /** The vault's folder, looked for with each call, as it may be made later. @throws VaultError `VAULT_NOT_FOUND` */
  readonly findVault: () => Promise<string>;
  /** The key of whom the server acts for. @param root the vault's folder */
  readonly key: (root: string) => KeyChoice;
  /** An owner's key, which stores what a person types on a page, if it is another one. */
  readonly ownerKey?: KeyChoice | undefined;
  /** How often a client is told that a call still goes on; 10 seconds unless given. */
  readonly heartbeatMs?: number | undefined;
}

/** How often a client is told that a call still goes on: it may give up on one that it hears nothing of for a minute. */
const HEARTBEAT_MS = 10_000;
/** Elements of one call's arguments, over all lists and objects in them. */
const MAX_ELEMENTS = 2000;
/** How long calls that were ended may take to end when the client has gone. */
const SHUTDOWN_GRACE_MS = 8000;
const STATE_BYTES = 24;

/** The calls of one client, and what lasts as long as the process: what was allowed, which calls wait for an answer, when it was used. */
export class McpService {
  readonly #context: Context;
  readonly #options: ServiceOptions;
  readonly #memory = new SessionApprovals();
  readonly #limit = new CallLimit();
  readonly #lock: IdleLock | undefined;
  readonly #pages: ValuePages;
  readonly #pending: PendingCalls<CallToolResult>;
  readonly #open = new Set<PendingCall<CallToolResult>>();

  constructor(context: Context, options: ServiceOptions) {
    this.#context = context;
    this.#options = options;
    this.#lock = options.idleLockMs === undefined ? undefined : new IdleLock(context, options.idleLockMs);
    this.#pages = new ValuePages(context);
    this.#pending = new PendingCalls(() => Buffer.from(context.random(STATE_BYTES)).toString("base64url"));
  }

  newServer(): McpServer {
    const { version } = this.#options;
    const server = new McpServer(
      { name: "agent-vault", title: "agent-vault", version },
      { instructions: INSTRUCTIONS, maxToolInputElements: MAX_ELEMENTS },
    );
    for (const tool of toolsOf(this.#options)) {
      const { name, title, description, annotations, input, output } = tool;
      server.registerTool(
        name,
        { title, description, annotations: { title, ...annotations }, inputSchema: input, outputSchema: output },
        (args, request) => this.#handleCall(server, tool, args, request),
      );
    }
    return server;
  }

  /** Ends all calls, and waits for {@link SHUTDOWN_GRACE_MS} at most until they have ended. */
  async end(): Promise<void> {
    for (const call of this.#open) call.abort();
    this.#pages.close();
    const all = Promise.all([...this.#open].map(({ done }) => done));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, SHUTDOWN_GRACE_MS).unref())]);
  }

  /** Begins a call, or goes on with the one that the client has an answer for. */
  async #handleCall(
    server: McpServer,
    tool: Tool,
    args: Record<string, unknown>,
    request: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const fingerprint = digestOf(JSON.stringify([tool.name, args]));
    const { mcpReq } = request;
    const { signal } = mcpReq;
    const state = mcpReq.requestState<string>();
    const call = state === undefined ? this.#begin(server, tool, args, request) : this.#pending.find(state, fingerprint);
    if (!call) return toolError(noPendingCall(), this.#context);
    if (state !== undefined) call.answer((key) => inputResponse(mcpReq.inputResponses, key));
    const abort = () => call.abort();
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    call.progress = progressOf(request);
    const next = await call.next();
    call.progress = undefined;
    if ("question" in next) {
      return inputRequired({
        inputRequests: { [next.key]: next.question },
        requestState: this.#pending.keep(call, fingerprint),
      });
    }
    signal.removeEventListener("abort", abort);
    if (state !== undefined) this.#pending.forget(state);
    return next.result;
  }

  #begin(server: McpServer, tool: Tool, args: Record<string, unknown>, request: ServerContext): PendingCall<CallToolResult> {
    const client = clientOf(server, request);
    const pending: PendingCall<CallToolResult> = new PendingCall(async (asking) => {
      let release: (() => void) | undefined;
      const heartbeat = new Heartbeat(this.#options.heartbeatMs ?? HEARTBEAT_MS, (message) => pending.progress?.(message));
      try {
        release = this.#limit.take();
        await this.#unlock(client, asking);
        const { text, data } = await tool.call(this.#callOf(client, asking, heartbeat.say), args);
        this.#lock?.used();
        return { content: [{ type: "text", text }], structuredContent: data };
      } catch (error) {
        return toolError(error, this.#context);
      } finally {
        heartbeat.stop();
        release?.();
        this.#open.delete(pending);
      }
    });
    this.#open.add(pending);
    return pending;
  }

  async #unlock(client: Client, asking: Asking): Promise<void> {
    if (this.#lock?.isLocked) await confirmPresence({ client, ask: asking.ask });
    this.#lock?.used();
  }

  #callOf(client: Client, { signal, ask }: Asking, progress: Call["progress"]): Call {
    const { findVault, key, ownerKey } = this.#options;
    return {
      policy: this.#options,
      client,
      memory: this.#memory,
      pages: this.#pages,
      signal,
      context: (action) => contextFor(this.#context, client, action),
      root: findVault,
      key,
      ownerKey: (root) => ownerKey ?? key(root),
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
 * A server of MCP serves a coding agent, and was most likely started by it: where the environment does not name it, the client's own name
 * does. So nothing that the agent can set, type or start passes for the person; what it runs knows it as well.
 */
function contextFor(context: Context, client: Client, action: string): Context {
  const env = { ...context.env, AI_AGENT: detectHarness(context.env) ?? client.name };
  return { ...context, env, recorder: chooseRecorder({ ...context, env }, action, () => new LedgerRecorder(action)) };
}

function noPendingCall(): VaultError {
  return new VaultError("CONFIRMATION_REQUIRED", "The question that this answers is no longer open.", {
    remedy: `Call the tool again; a person has ${APPROVAL_TIMEOUT_MS / 1000} seconds to answer.`,
  });
}
