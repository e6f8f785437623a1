import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { Client, type CallToolResult, type ClientOptions } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { onTestFinished } from "vitest";
import { CLI, type Sandbox } from "./sandbox.js";

/** The revisions of MCP that clients speak: with the older one a server asks, with the newer one it says what it needs. */
export const ERAS = ["2025-11-25", "2026-07-28"] as const;
export type Era = (typeof ERAS)[number];

export interface Question {
  readonly mode?: string;
  readonly message: string;
  readonly url?: string;
  readonly requestedSchema?: { readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>> };
}
export type Reply = { readonly action: "accept" | "decline" | "cancel"; readonly content?: Record<string, string | boolean> };

interface ServedOptions {
  readonly era?: Era;
  /** Words for `agent-vault mcp`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers what the server has its user asked; without it the client cannot ask. */
  readonly answer?: (question: Question) => Reply | Promise<Reply>;
  readonly capabilities?: ClientOptions["capabilities"];
  /** How to start the server, if not by its flags. */
  readonly program?: { readonly command: string; readonly args: string[] };
}

/** The official client, connected to the built server of a sandbox, with all that the server has written. */
export class Served {
  readonly client: Client;
  readonly questions: Question[] = [];
  readonly #transport: StdioClientTransport;
  readonly #written: Buffer[] = [];

  private constructor(box: Sandbox, { era = "2026-07-28", flags = [], env = {}, answer, capabilities, program }: ServedOptions) {
    this.client = new Client(
      { name: "test-client", version: "1.0.0" },
      {
        capabilities: capabilities ?? (answer ? { elicitation: { form: {}, url: {} } } : {}),
        versionNegotiation: { mode: era === "2026-07-28" ? { pin: era } : "legacy" },
      },
    );
    if (answer) {
      this.client.setRequestHandler("elicitation/create", async ({ params }) => {
        this.questions.push(params as Question);
        return answer(params as Question);
      });
    }
    this.#transport = new StdioClientTransport({
      ...(program ?? { command: process.execPath, args: [CLI, "mcp", "-C", box.repository, ...flags] }),
      env: { ...(box.env as Record<string, string>), ...env },
      cwd: box.root,
      stderr: "pipe",
    });
    this.#transport.stderr!.on("data", (chunk: Buffer) => this.#written.push(chunk));
    const start = this.#transport.start.bind(this.#transport);
    this.#transport.start = async () => {
      await start();
      this.process.stdout!.on("data", (chunk: Buffer) => this.#written.push(chunk));
    };
  }

  static async start(box: Sandbox, options: ServedOptions = {}): Promise<Served> {
    const served = new Served(box, options);
    onTestFinished(() => served.client.close());
    await served.client.connect(served.#transport);
    return served;
  }

  /** The server. */
  get process(): ChildProcess {
    return (this.#transport as unknown as { _process: ChildProcess })._process;
  }

  /** Every byte that the server has written, to its client and to its error stream. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  async call(name: string, words: Record<string, unknown> = {}, options: Parameters<Client["callTool"]>[1] = {}): Promise<ToolResult> {
    return resultOf(await this.client.callTool({ name: `agent_vault_${name}`, arguments: words }, options));
  }
}

export interface ToolResult {
  /** In square brackets after an error's message. */
  readonly code: string | undefined;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function resultOf({ isError, content, structuredContent }: CallToolResult): ToolResult {
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  return {
    code: isError ? (/\[([A-Z_]+)\]/.exec(text)?.[1] ?? "none") : undefined,
    text,
    data: (structuredContent ?? {}) as Record<string, unknown>,
  };
}
