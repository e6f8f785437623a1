import type { InvocationContext } from "@agent-vault/ledger";
import type { Principal } from "@agent-vault/vault/read-only";

/** The way that a request came in by. The code that took it in says so, never the asker. */
export type Door = "cli" | "mcp" | "sdk" | "action";

/**
 * A use of secrets: all that its asker decides, and who asks. The policy, the question to a person, what a session remembers and the audit log take
 * this type, so that nothing the asker decides is outside of one of them.
 */
export interface UseRequest {
  /** `run` hands values to a command, `get` and `inject` show them to the caller, `read` hands them to a program that was written for it. */
  readonly action: "run" | "get" | "inject" | "read";
  readonly door: Door;
  readonly secrets: readonly RequestedSecret[];
  readonly principal: Principal;
  readonly invocation: InvocationContext;
  /** Whether a token was presented, which is then the only authority. */
  readonly byToken: boolean;
  /** The program and its arguments, for `run`. */
  readonly command: readonly string[] | undefined;
  /** The variables that the command is started with beside its inherited ones, in the order that they were asked for. */
  readonly variables: readonly RequestedVariable[];
  /** Whether the command gets a short list of the inherited variables only. */
  readonly cleanEnvironment: boolean;
  readonly output: OutputHandling;
  /** The template that is filled, and the file that the result goes to, for `inject`, as the caller names them. */
  readonly template: { readonly file: string; readonly out: string | undefined } | undefined;
  /** What it is for, as the caller says. */
  readonly reason: string | undefined;
  /** The service that the caller says it is (`--service`, `AGENT_VAULT_SERVICE`): a hint. */
  readonly service: string | undefined;
}

/** A secret with what the owner signed of it. */
export interface RequestedSecret {
  /** As secrets are shown: `group/name`, or `name` in the group `default`. */
  readonly secret: string;
  /** The groups that list it. */
  readonly groups: readonly string[];
  readonly environment: string | undefined;
  readonly provider: string | undefined;
  /** `read`, `read-write` or `admin`. */
  readonly access: string | undefined;
  readonly tags: readonly string[];
}

/** A variable that the asker has set for the command. */
export interface RequestedVariable {
  readonly name: string;
  /** What it holds: the value of one secret and nothing else, the path of a file with it, or text of the asker's, in which there may be secrets as well. */
  readonly holds: "secret" | "file" | "text";
  /** The text, or the secret's reference; where a secret's value goes there is its reference: `vault://group/name`. */
  readonly value: string;
}

/** What becomes of a command's output; `short-as-is` scrubs values under eight bytes unencoded only. */
export type OutputHandling = "scrubbed" | "short-as-is" | "unscrubbed";

/** What a use is that starts no command and fills no template. */
export const NO_COMMAND = {
  command: undefined,
  variables: [],
  cleanEnvironment: false,
  output: "scrubbed",
  template: undefined,
} as const satisfies Partial<UseRequest>;

/** The language, the time zone, the terminal and whether this is CI: variables that no rule has to list. */
const ALWAYS_SETTABLE = /^(?:LANG|LC_[A-Z]+|TZ|TERM|NO_COLOR|CI)$/;

/** The plain variables of a request that a rule may have to list: text that the asker chose, whole or in part. */
export function plainVariables({ variables }: Pick<UseRequest, "variables">): string[] {
  return variables.flatMap(({ name, holds }) => (holds === "text" && !ALWAYS_SETTABLE.test(name) ? [name] : []));
}

/**
 * Whether the asker sets only plain variables that the policy lists: over MCP, under a coding agent and with a token. No list of variables that make
 * programs run code is complete, so a list of those that may be set is what holds.
 */
export function setsListedVariablesOnly({ door, invocation, byToken }: Pick<UseRequest, "door" | "invocation" | "byToken">): boolean {
  return door === "mcp" || byToken || invocation.harness !== undefined;
}
