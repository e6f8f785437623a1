import { openUseRecord, surroundingsOf } from "@agent-vault/ledger";
import { formatSecretPath, isAuditOff, presentedToken, secretAttributes, type Judge } from "@agent-vault/vault/read-only";
import type { UseRequest } from "../use-request.js";
import { authorize, personalApprover, type Approver } from "./authorize.js";
import { groupsOf } from "./groups-of.js";
import type { SecretUse } from "./open-use.js";

/**
 * Decides over a read of one value, as {@link authorize} does.
 * @param action `get` where whoever asks is shown the value, `read` for a program that was written to have it
 * @param options.token of `--token`
 * @param options.approver without it a person is asked on the terminal or by a dialog
 * @param options.mayShow whether the person has said that a coding agent may be shown values
 * @param options.restrict what else has to hold, as in `openUse`
 */
export function judgeRead(
  action: Extract<UseRequest["action"], "get" | "read">,
  options: {
    readonly token?: string | undefined;
    readonly approver?: Approver | undefined;
    readonly reason?: string | undefined;
    readonly mayShow?: boolean | undefined;
    readonly restrict?: SecretUse["restrict"];
  } = {},
): Judge {
  return async (context, { files, actor, path }) => {
    const token = presentedToken(context, options.token);
    const { root } = actor;
    const secret = { secret: formatSecretPath(path), groups: await groupsOf(files, path), ...(await secretAttributes(files, path)) };
    const use: UseRequest = {
      action,
      secrets: [secret],
      holder: await actor.holder(),
      surroundings: surroundingsOf(context, root),
      command: undefined,
      reason: options.reason,
      service: context.env["AGENT_VAULT_SERVICE"] || undefined,
    };
    options.restrict?.(use);
    const record = isAuditOff(context.env) ? undefined : await openUseRecord(context, actor);
    const approver = options.approver ?? personalApprover(context);
    const passed = await authorize(context, { use, files, token, ledger: record?.ledger, approver, mayShow: options.mayShow });
    return {
      identity: passed.token && `token:${passed.token.id}`,
      reason: [options.reason, passed.approval && `Approved ${passed.approval}.`].filter(Boolean).join(" ") || undefined,
    };
  };
}
