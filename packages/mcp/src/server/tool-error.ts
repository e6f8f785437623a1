import type { CallToolResult } from "@modelcontextprotocol/server";
import { isSystemError, printable, VaultError, type Context, type ErrorCode } from "@agent-vault/vault/read-only";

const NEVER_PASTE = "Never ask for a value in the conversation.";
const TELL = "Tell the person what you need and why, and go on without it.";

/** What a model is to do about an error, beside what it says itself. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  SECRET_NOT_FOUND: `agent_vault_list shows what there is; agent_vault_request asks the person to add one. ${NEVER_PASTE}`,
  NOT_AUTHORIZED: `This agent cannot read that secret. Look for another one with agent_vault_list. ${TELL} ${NEVER_PASTE}`,
  POLICY_DENIED: `Do not try another way to get the same secret. ${TELL}`,
  HARNESS_DENIED: "Use the secret with agent_vault_run, which does not show it.",
  APPROVAL_DENIED: "A person said no or did not answer. Do not call again unless the person asks you to.",
  APPROVAL_UNAVAILABLE: "Nobody could be asked. Tell the person, who can run the command themselves or change the policy.",
  TOKEN_DENIED: `The token that this server was started with does not allow it. ${TELL}`,
  TOKEN_EXPIRED: "Tell the person that the server needs a new token.",
  SECRET_TOO_SHORT: "Tell the person: a value this short cannot be kept out of the output.",
  NO_KEY: "Tell the person: the server was started without a key that works (--agent NAME, --key FILE).",
  VAULT_NOT_FOUND: "Tell the person: the server was started outside of a repository with a vault (-C DIR).",
};

/** An error as a model can act on it: what happened, its code, what to do. It is a tool's result and never a protocol error. */
export function toolError(error: unknown, { warn }: Pick<Context, "warn">): CallToolResult {
  const known = error instanceof VaultError ? error : unexpected(error, warn);
  const advice = [known.remedy, ADVICE[known.code]].filter(Boolean).join(" ");
  const text = [`${printable(known.message)} [${known.code}]`, advice && `What to do: ${printable(advice)}`].filter(Boolean).join("\n");
  return { isError: true, content: [{ type: "text", text }] };
}

/** The message of an unexpected error may say more than a model should read, so it goes to the server's error stream only. */
function unexpected(error: unknown, warn: Context["warn"]): VaultError {
  warn(`Something unexpected went wrong: ${error instanceof Error ? error.message : String(error)}`);
  const what = isSystemError(error) ? `A file could not be used (${error.code}).` : "Something unexpected went wrong.";
  return new VaultError("FAILED", what, { remedy: "Tell the person; the server's error stream has the details." });
}
