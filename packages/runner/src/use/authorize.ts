import type { Ledger } from "@agent-vault/ledger";
import { parseSecretPath, VaultError, type Context, type VaultFiles } from "@agent-vault/vault/read-only";
import type { ApprovalMemory } from "../approval/memory.js";
import type { Answer } from "../approval/ask-approval.js";
import type { ApprovalQuestion } from "../approval/reply.js";
import type { Decision } from "../policy/decide.js";
import type { ApprovalChannel } from "../policy/policy.js";
import type { HomeRules } from "./home-rules.js";
import { judgeUse } from "./judge-use.js";
import { stateOf } from "./state-of.js";
import type { VerifiedToken } from "../tokens/verify.js";
import type { UseRequest } from "../policy/use-request.js";

/** Asks a person. `memory` has what was allowed for a session. */
export interface Approver {
  readonly memory?: ApprovalMemory | undefined;
  ask(question: ApprovalQuestion, memory: ApprovalMemory | undefined, options: AskOptions): Promise<Answer>;
}

/** What the policy says of how a person is asked. */
export interface AskOptions {
  /** Whether an answer that was given in advance counts. */
  readonly preset: boolean;
  /** Where a person may be asked; `undefined` for everywhere. */
  readonly channels: readonly ApprovalChannel[] | undefined;
}

/** Why a use was allowed. */
export interface Authorization {
  /** The token that was presented. */
  readonly token: VerifiedToken | undefined;
  /** Who approved it, as the audit log has it; `undefined` where nobody had to. */
  readonly approval: string | undefined;
}

/** A use to decide on. */
export interface AuthorizeRequest {
  readonly use: UseRequest;
  /** The vault's files, verified. */
  readonly files: VaultFiles;
  /** The vault's main branch, where its rules judge beside those of the files. */
  readonly homes?: readonly HomeRules[] | undefined;
  /** The token that was presented, if one was: then it is the only authority. */
  readonly token: string | undefined;
  /** Of the vault; `undefined` where the audit log is off. */
  readonly ledger: Ledger | undefined;
  readonly approver: Approver;
  /** Whether the person has said that a coding agent may be shown values, by how they started this. */
  readonly mayShow?: boolean | undefined;
}

/**
 * Decides on a use before anything is decrypted: the token, the policy, a person's approval, in this order. Each can only refuse. A
 * use that a token counts is counted last.
 * @throws VaultError the codes of `verifyToken`, `LEDGER_UNAVAILABLE` for a token without a ledger, `INVALID_POLICY`, `POLICY_DENIED`,
 *   `HARNESS_DENIED`, `NOT_AUTHORIZED` before a person would be asked, `APPROVAL_DENIED`, `APPROVAL_UNAVAILABLE`, `SESSION_NOT_FOUND`
 */
export async function authorize(context: Context, request: AuthorizeRequest): Promise<Authorization> {
  const { use, files, ledger } = request;
  const token = request.token === undefined ? undefined : await requireToken(context, request.token, use, ledger);
  const { decision, refusal } = await judgeUse(files, request.homes ?? [], use, { mayShow: request.mayShow });
  if (refusal) throw refusal;
  return permit(context, request, token, decision);
}

/** What follows once the policy allows the use. */
async function permit(
  context: Context,
  request: AuthorizeRequest,
  token: Awaited<ReturnType<typeof requireToken>> | undefined,
  decision: Decision,
): Promise<Authorization> {
  if (token) requireShort(token.genuine, decision);
  const approval = await approve(context, request, decision);
  await token?.spend();
  return { token: token?.genuine, approval };
}

/** Verifies the token for this use, which is counted once all else has allowed it. */
async function requireToken(context: Context, token: string, use: UseRequest, ledger: Ledger | undefined) {
  if (ledger) {
    const { checkToken, spendToken } = await import("../tokens/verify.js");
    const genuine = await checkToken(ledger.tokens, token, use, context.now());
    return { genuine, spend: () => spendToken(ledger.tokens, genuine) };
  }
  throw new VaultError(
    "LEDGER_UNAVAILABLE",
    "The token cannot be verified, because there is no ledger: AGENT_VAULT_AUDIT names another place, or its database engine is not there.",
    {
      remedy: "Unset AGENT_VAULT_AUDIT, or unset AGENT_VAULT_TOKEN to use the key alone.",
    },
  );
}

function requireShort({ created, expires }: VerifiedToken, { maxTtlMs }: Decision): void {
  if (maxTtlMs === undefined || expires.getTime() - created.getTime() <= maxTtlMs) return;
  throw new VaultError("POLICY_DENIED", "The token lasts longer than the vault's policy allows for these secrets.", {
    remedy: `Ask for one that lasts ${Math.floor(maxTtlMs / 1000)} seconds at most (token mint --ttl).`,
  });
}

/** @returns who approved, as the audit log has it */
async function approve(context: Context, request: AuthorizeRequest, decision: Decision): Promise<string | undefined> {
  const { use, ledger, approver } = request;
  if (decision.approval === "never") return undefined;
  await requireReader(request);
  const memory = approver.memory ?? (await sessionMemory(context, ledger, decision.maxTtlMs));
  // Without a session an answer is for one use.
  const question = { request: use, forSession: decision.approval === "session" && memory !== undefined };
  const answer = await approver.ask(question, memory, {
    preset: decision.approval !== "always" && decision.channels === undefined,
    channels: decision.channels,
  });
  if (answer.scope === "deny") throw answer.error;
  return `${answer.scope}, by ${BY[answer.by]}`;
}

/** Nobody is asked about a use that would fail without the answer. @throws VaultError `NOT_AUTHORIZED` */
async function requireReader({ files, use: { principal, secrets } }: AuthorizeRequest): Promise<void> {
  if (principal.role === "owner" || !files.signed) return;
  const state = await stateOf(files);
  const unreadable = secrets.find(
    ({ secret }) => principal.name === undefined || !state.agentsOf(parseSecretPath(secret)).includes(principal.name),
  );
  if (!unreadable) return;
  const who = principal.name === undefined ? "The key is not a reader of this vault, and" : `Agent ${principal.name}`;
  throw new VaultError("NOT_AUTHORIZED", `${who} cannot read ${unreadable.secret}.`, {
    remedy: "Ask an owner for access (agent-vault grant AGENT GROUP), or give another key with --key FILE.",
  });
}

const BY = {
  variable: "AGENT_VAULT_APPROVE",
  memory: "an earlier answer for the session",
  client: "a person at the MCP client",
  terminal: "a person at the terminal",
  dialog: "a person at a dialog",
};

/** What was allowed in the session that this process was started in; nothing in one that lasts longer than the policy allows. */
async function sessionMemory(
  context: Context,
  ledger: Ledger | undefined,
  maxTtlMs: number | undefined,
): Promise<ApprovalMemory | undefined> {
  if (!ledger || !context.env["AGENT_VAULT_SESSION"]) return undefined;
  const { approvalsIn, currentSession } = await import("../tokens/sessions.js");
  const session = await currentSession(context, ledger.sessions);
  const isTooLong = session && maxTtlMs !== undefined && session.expires.getTime() - session.started.getTime() > maxTtlMs;
  return session && !isTooLong ? approvalsIn(session, ledger.sessions) : undefined;
}

/** Asks on the channels that a command line has. */
export function personalApprover(context: Context): Approver {
  return {
    ask: async (question, memory, { preset, channels }) => {
      const { askApproval } = await import("../approval/ask-approval.js");
      const { AGENT_VAULT_APPROVE: given, ...env } = context.env;
      // Where each use needs an answer, or a policy says where to ask, one that was given in advance counts only if it denies.
      const asking = preset || given === "deny" ? context : { ...context, env };
      return askApproval(asking, question, { memory, channels });
    },
  };
}
