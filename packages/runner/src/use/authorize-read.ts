import { openUseAudit, invocationContext, type Ledger } from "@agent-vault/ledger";
import { isAuditOff, presentedToken, type Context, type ReadAuthorizer, type ReadRequest } from "@agent-vault/vault/read-only";
import { NO_COMMAND, type Door, type UseRequest } from "../policy/use-request.js";
import { recordedRequest } from "./recorded-request.js";
import { authorize, personalApprover, type Approver } from "./authorize.js";
import type { SecretUse } from "./open-use.js";
import { requestedSecrets } from "./requested-secrets.js";

/** `get` shows the value to the caller, `read` hands it to a program that was written for it. */
export type ReadAction = Extract<UseRequest["action"], "get" | "read">;

/** How a read of values is decided on. */
export interface AuthorizeReadOptions {
  /** The way that the request came in by; of a program that reads for itself unless given. */
  readonly door?: Door | undefined;
  /** Of `--token`. */
  readonly token?: string | undefined;
  /** Without it a person is asked on the terminal or by a dialog. */
  readonly approver?: Approver | undefined;
  /** What it is for, as the caller says. */
  readonly reason?: string | undefined;
  /** Whether the person has said that a coding agent may be shown values. */
  readonly mayShow?: boolean | undefined;
  /** A further condition, as in `openUse`. */
  readonly restrict?: SecretUse["restrict"];
}

/** Decides on a read of values, as {@link authorize} does. */
export function authorizeRead(action: ReadAction, options: AuthorizeReadOptions = {}): ReadAuthorizer {
  return async (context, read) => {
    const audit = isAuditOff(context.env) ? undefined : await openUseAudit(context, read.actor);
    return decideRead(context, read, action, audit?.ledger, options);
  };
}

/** As {@link authorizeRead}, for a place without a ledger: a token, which only the ledger knows, is refused there. */
export function authorizeUnrecordedRead(action: ReadAction, options: AuthorizeReadOptions = {}): ReadAuthorizer {
  return (context, read) => decideRead(context, read, action, undefined, options);
}

async function decideRead(
  context: Context,
  { files, homes = [], actor, paths }: ReadRequest,
  action: ReadAction,
  ledger: Ledger | undefined,
  options: AuthorizeReadOptions,
): ReturnType<ReadAuthorizer> {
  const token = presentedToken(context, options.token);
  const secrets = await requestedSecrets(files, paths, token !== undefined || options.restrict !== undefined);
  const use: UseRequest = {
    ...NO_COMMAND,
    action,
    door: options.door ?? "sdk",
    secrets,
    principal: await actor.principal(),
    invocation: invocationContext(context, actor.root),
    byToken: token !== undefined,
    reason: options.reason,
    service: context.env["AGENT_VAULT_SERVICE"] || undefined,
  };
  options.restrict?.(use);
  const approver = options.approver ?? personalApprover(context);
  const passed = await authorize(context, {
    use,
    files,
    homes: homes.map((home) => ({ files: home, keys: actor.keys })),
    token,
    ledger,
    approver,
    mayShow: options.mayShow,
  });
  return {
    request: recordedRequest(use, "names"),
    identity: passed.token && `token:${passed.token.id}`,
    reason: [options.reason, passed.approval && `Approved ${passed.approval}.`].filter(Boolean).join(" ") || undefined,
  };
}
