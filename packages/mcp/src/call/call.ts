import type { InputRequest, InputResponseView, ToolAnnotations } from "@modelcontextprotocol/server";
import type { ApprovalMemory } from "@agent-vault/runner";
import type { Context, KeyChoice } from "@agent-vault/vault/read-only";
import type * as z from "zod";
import type { Client } from "./client.js";
import type { ValuePages } from "../value-page/value-pages.js";

/** What the person who started the server has allowed. */
export interface ServerPolicy {
  /** The groups whose secrets it offers; `undefined` for all that the key opens. */
  readonly groups: readonly string[] | undefined;
  readonly allowGet: boolean;
  /** Bring the vault up to date before a use. */
  readonly pull: boolean;
  /** After how long without a use the server locks itself; `undefined` for never. */
  readonly idleLockMs: number | undefined;
}

/** One call of a tool, and all that it may use. */
export interface Call {
  readonly policy: ServerPolicy;
  readonly client: Client;
  /** What was allowed since the server was started. */
  readonly memory: ApprovalMemory;
  readonly pages: ValuePages;
  /** Aborted when the client no longer waits for the answer. */
  readonly signal: AbortSignal;
  /** @param action as the audit log names it */
  readonly context: (action: string) => Context;
  /** The vault's folder. @throws VaultError `VAULT_NOT_FOUND` */
  readonly root: () => Promise<string>;
  /** The key that the server uses. */
  readonly key: (root: string) => KeyChoice;
  /** The owner's key that stores what a person types. */
  readonly ownerKey: (root: string) => KeyChoice;
  /** Asks the person through the client. */
  readonly ask: (question: InputRequest, timeoutMs: number) => Promise<InputResponseView>;
  /** Tells the client how far the call is. Never with anything that a command has printed. */
  readonly progress: (message: string) => void;
}

/** What a tool answers: data after its schema, and the same for a model to read. */
export interface ToolAnswer<Output> {
  readonly text: string;
  readonly data: Output;
}

/** A tool as it is registered: its name and texts, its schemas, and what it does. */
export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: Input;
  readonly output: Output;
  /** @throws VaultError */
  call(call: Call, input: z.output<Input>): Promise<ToolAnswer<z.input<Output>>>;
}

/** A tool with its types checked. */
export function tool<Input extends z.ZodObject, Output extends z.ZodObject>(definition: Tool<Input, Output>): Tool {
  return definition;
}
