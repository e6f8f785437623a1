import { detectHarness, printable, VaultError, type Context } from "@agent-vault/vault/read-only";
import { APPROVAL_CHANNELS, type ApprovalChannel } from "../policy/policy.js";
import { isInsideRun } from "./inside-run.js";
import { approvedUse, type ApprovalMemory } from "./memory.js";
import { commandText, type OwnersCommand } from "./question-text.js";
import type { ApprovalQuestion, Reply } from "./reply.js";

/** How long a person has to answer; after it the answer is no. */
export const APPROVAL_TIMEOUT_MS = 60_000;

/** Where an answer came from: the variable `AGENT_VAULT_APPROVE`, the session's memory, an MCP client, the terminal, a dialog. */
export type Channel = "variable" | "memory" | "client" | "terminal" | "dialog";

/** The answer with the channel that it came by; a denial has the error to fail with, `APPROVAL_DENIED`. */
export type Answer =
  | { readonly scope: "once" | "session"; readonly by: Channel }
  | { readonly scope: "deny"; readonly by: Channel; readonly error: VaultError };

/** How a person is asked. */
export interface ApprovalOptions {
  readonly memory?: ApprovalMemory | undefined;
  readonly timeoutMs?: number | undefined;
  /** Where a person may be asked; everywhere unless given. */
  readonly channels?: readonly ApprovalChannel[] | undefined;
  /** Whether the terminal may be the person's; it is not that of a server. */
  readonly terminal?: boolean | undefined;
  /** Asks through the MCP client that is served, before the other channels; resolves to `undefined` where it cannot ask. */
  readonly client?: ((question: ApprovalQuestion, timeoutMs: number) => Promise<Reply | undefined>) | undefined;
}

/**
 * Asks a person whether secrets may be used, on the first channel that there is: `AGENT_VAULT_APPROVE`, what was allowed for this session, an MCP
 * client, the terminal, a dialog. Anything that is not a clear yes is a no, and comes with the error to fail with, `APPROVAL_DENIED`.
 *
 * A coding agent that starts commands can set their variables and type on their terminal, so under one neither of the two can say yes. The same goes for
 * a command that agent-vault itself runs.
 * @throws VaultError `APPROVAL_UNAVAILABLE` where there is no channel
 */
export async function askApproval(context: Context, question: ApprovalQuestion, options: ApprovalOptions = {}): Promise<Answer> {
  const { memory, timeoutMs = APPROVAL_TIMEOUT_MS, channels = APPROVAL_CHANNELS } = options;
  const { forSession } = question;
  const use = approvedUse(question.request);
  const starter = once(() => starterOf(context, question));

  const preset = presetReply(context, starter);
  if (preset?.scope === "deny") return denied(preset.why, "variable");
  if (forSession && (await memory?.isRemembered(use))) return { scope: "session", by: "memory" };

  const [reply, by] = preset ? ([preset, "variable"] as const) : await askPerson();
  if (reply.scope === "deny") return denied(reply.why, by);
  memory?.noteAllowed?.(question.request);
  if (reply.scope === "once" || !forSession) return { scope: "once", by };
  await memory?.remember(use);
  return { scope: "session", by };

  async function askPerson(): Promise<readonly [Reply, Channel]> {
    const asked = { ...question, before: memory?.closest?.(question.request) };
    const answer = channels.includes("mcp") ? await options.client?.(asked, timeoutMs) : undefined;
    if (answer) return [answer, "client"];
    if (channels.includes("terminal") && options.terminal !== false && starter() === undefined) {
      const { askOnTerminal } = await import("./terminal-question.js");
      const reply = await askOnTerminal(asked, timeoutMs);
      if (reply) return [reply, "terminal"];
    }
    if (channels.includes("dialog")) {
      const { askByDialog } = await import("./dialog.js");
      const reply = await askByDialog(context.env, asked, timeoutMs);
      if (reply) return [reply, "dialog"];
    }
    throw unavailable(starter(), options.channels);
  }
}

/** What has started this where it is not a person: a coding agent, or a command that agent-vault runs. */
function starterOf(context: Context, { request }: ApprovalQuestion): string | undefined {
  const harness = request.invocation.harness ?? detectHarness(context.env);
  return harness ?? (isInsideRun() ? "a command that agent-vault runs" : undefined);
}

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => (found ??= { value: find() }).value;
}

/**
 * Has a person confirm what a command would do with an owner's authority, where a coding agent seems to have started it. The agent can type on the terminal
 * and answer for its client, so a dialog alone is asked by; `AGENT_VAULT_APPROVE` can deny.
 * @throws VaultError `APPROVAL_DENIED`, `APPROVAL_UNAVAILABLE` where there is no dialog
 */
export async function confirmOwnersCommand(
  context: Context,
  command: OwnersCommand,
  timeoutMs: number = APPROVAL_TIMEOUT_MS,
): Promise<void> {
  const reply = presetReply(context, () => command.harness) ?? (await showDialog());
  if (reply?.scope === "once") return;
  if (reply?.scope === "deny") {
    const remedy = "Nothing was changed. The person can run the command on a terminal of their own.";
    throw new VaultError("APPROVAL_DENIED", `The command was not approved: ${reply.why}`, { remedy });
  }
  throw new VaultError(
    "APPROVAL_UNAVAILABLE",
    `${printable(command.harness)} seems to have started this command, which ${command.does}, and there is no dialog to ask a person with.`,
    { remedy: "Ask the person to run it on a terminal of their own. Nothing was changed." },
  );

  async function showDialog(): Promise<Reply | undefined> {
    const dialog = await import("./dialog.js");
    return dialog.showDialog(context.env, (room) => commandText(command, room), { forSession: false, timeoutMs });
  }
}

function presetReply(context: Context, starter: () => string | undefined): Reply | undefined {
  const value = context.env["AGENT_VAULT_APPROVE"];
  if (!value) return undefined;
  if (value === "deny") return { scope: "deny", why: "AGENT_VAULT_APPROVE is deny." };
  if (value !== "once" && value !== "session")
    return { scope: "deny", why: `AGENT_VAULT_APPROVE is ${printable(value.slice(0, 40))}, which is not one of: deny, once, session.` };
  if (starter() === undefined) return { scope: value };
  context.warn(`AGENT_VAULT_APPROVE is ignored, because ${starter()} seems to have started this command and could have set it.`);
  return undefined;
}

function denied(why: string, by: Channel): Answer {
  const remedy = by === "variable" ? "Unset AGENT_VAULT_APPROVE to be asked." : "Run the command again to be asked again.";
  return { scope: "deny", by, error: new VaultError("APPROVAL_DENIED", `The use was not approved: ${why}`, { remedy }) };
}

function unavailable(harness: string | undefined, channels: readonly ApprovalChannel[] | undefined): VaultError {
  if (channels)
    return new VaultError(
      "APPROVAL_UNAVAILABLE",
      `This use needs a person's approval, which the policy accepts by ${channels.join(", ") || "no channel"} alone, and nobody can be asked that way here.`,
      { remedy: "Run it where a person can be asked that way, or have an owner change approval_channels in the policy." },
    );
  return harness === undefined
    ? new VaultError("APPROVAL_UNAVAILABLE", "This use needs a person's approval, but there is no terminal and no dialog to ask on.", {
        remedy: "Run it on a terminal, or set AGENT_VAULT_APPROVE=once where nobody can be asked.",
      })
    : new VaultError(
        "APPROVAL_UNAVAILABLE",
        `This use needs a person's approval, but there is no dialog to ask with, and ${printable(harness)} could answer on the terminal itself.`,
        {
          remedy: "Ask the person to run the command, to approve it for a session of theirs, or to change the policy (approval: never).",
        },
      );
}
