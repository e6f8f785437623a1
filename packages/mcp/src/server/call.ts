import type { InputRequest, InputResponseView, ToolAnnotations } from "@modelcontextprotocol/server";
import type { ApprovalMemory } from "@agent-vault/runner";
import type { Context, KeyChoice } from "@agent-vault/vault/read-only";
import type * as z from "zod";
import type { Client } from "./client.js";
import type { Mutex } from "./mutex.js";
import type { ValuePages } from "../approval/value-page.js";

/** What the person who started the server has laid down. */
export interface ServerPolicy {
  /** The groups whose secrets it is about; `undefined` for all that the key opens. */
  readonly groups: readonly string[] | undefined;
  readonly allowGet: boolean;
  /** Bring the vault up to date before a use. */
  readonly pull: boolean;
  /** Milliseconds; `undefined` for never. */
  readonly idleLock: number | undefined;
}

/** One call of a tool, and all that it may use. */
export interface Call {
  readonly terms: ServerPolicy;
  readonly client: Client;
  /** What was allowed since the server was started. */
  readonly memory: ApprovalMemory;
  /** A person is asked one thing at a time. */
  readonly turns: Mutex;
  readonly pages: ValuePages;
  /** Ends when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** @param action as it goes on record */
  readonly context: (action: string) => Context;
  /** The vault's folder. @throws VaultError `VAULT_NOT_FOUND` */
  readonly root: () => Promise<string>;
  /** The key of whom the server acts for. */
  readonly key: (root: string) => KeyChoice;
  /** The key that stores what a person types. */
  readonly storingKey: (root: string) => KeyChoice;
  /** @param timeout milliseconds */
  readonly ask: (question: InputRequest, timeout: number) => Promise<InputResponseView>;
  /** Tells whoever waits how far this is. Never with anything that a command has printed. */
  readonly progress: (message: string) => void;
}

/** What a tool answers: data after its schema, and the same for a model to read. */
export interface ToolAnswer<Output> {
  readonly text: string;
  readonly data: Output;
}

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
