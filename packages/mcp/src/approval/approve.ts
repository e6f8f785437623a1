import { inputRequired } from "@modelcontextprotocol/server";
import { askApproval, questionText, type ApprovalQuestion, type Approver, type Reply } from "@agent-vault/runner";
import { oneAtATime, VaultError, type Context } from "@agent-vault/vault/read-only";
import type { Call } from "../call/call.js";

/** The size of a question in a client's form: what does not fit is counted. */
const QUESTION_SIZE = { width: 88, lines: 24 };

const CANCELLED: Reply = { scope: "deny", why: "the call was cancelled." };

/** Asks the person through the client where it can, else by a dialog; never on a terminal, which is the client's if there is one. */
export function clientApprover(context: Context, call: Call): Approver {
  return {
    memory: call.memory,
    // A server asks one question at a time.
    ask: (question, memory, { channels }) =>
      oneAtATime(call.memory, () =>
        askApproval(context, question, {
          memory,
          terminal: false,
          channels,
          client: async (asked, timeoutMs) => {
            if (call.signal.aborted) return CANCELLED;
            call.progress("Waiting for a person's approval.");
            return call.client.canAsk ? askThrough(call, asked, timeoutMs) : undefined;
          },
        }),
      ),
  };
}

async function askThrough(call: Call, { request, forSession, before }: ApprovalQuestion, timeoutMs: number): Promise<Reply> {
  const { text, complete } = questionText(request, QUESTION_SIZE, before);
  const choices = ["deny", "once", ...(forSession ? ["session"] : [])];
  const names = ["Deny", "Allow once", ...(forSession ? ["Allow exactly this until the server ends"] : [])];
  const view = await call.ask(
    inputRequired.elicit({
      message: complete ? text : `${text}\n\nNot all of it is shown here.`,
      requestedSchema: {
        type: "object",
        properties: {
          decision: { type: "string", title: "Allow it?", enum: choices, enumNames: names, default: "deny" },
        },
        required: ["decision"],
      },
    }),
    timeoutMs,
  );
  if (call.signal.aborted) return CANCELLED;
  if (view.kind !== "elicit") return { scope: "deny", why: "nobody answered in time." };
  const decision = view.action === "accept" ? view.content?.["decision"] : undefined;
  if (decision === "once" || (decision === "session" && forSession)) return { scope: decision };
  return { scope: "deny", why: "the answer was no." };
}

const CONFIRMATION_TIMEOUT_MS = 60_000;

/** Has the person confirm that they are there. @throws VaultError `CONFIRMATION_REQUIRED` */
export async function confirmPresence({ client, ask }: Pick<Call, "client" | "ask">): Promise<void> {
  const view = client.canAsk
    ? await ask(
        inputRequired.elicit({
          message: "agent-vault was not used for a while and has locked itself. Unlock it only if you are working with this agent.",
          requestedSchema: {
            type: "object",
            properties: { unlock: { type: "boolean", title: "Unlock it", default: false } },
            required: ["unlock"],
          },
        }),
        CONFIRMATION_TIMEOUT_MS,
      )
    : undefined;
  if (view?.kind === "elicit" && view.action === "accept" && view.content?.["unlock"] === true) return;
  throw new VaultError("CONFIRMATION_REQUIRED", "agent-vault was not used for a while and has locked itself.", {
    remedy: client.canAsk
      ? "The person did not confirm. Tell them, and call again when they ask you to."
      : "Tell the person to restart this MCP server.",
  });
}
