import { openUseRecord, surroundingsOf } from "@agent-vault/ledger";
import { formatSecretPath, isAuditOff, presentedToken, secretAttributes, type Judge } from "@agent-vault/vault/read-only";
import type { UseRequest } from "../use-request.js";
import { authorize, personalApprover, type Approver } from "./authorize.js";
import { stateOf } from "./state-of.js";

/**
 * Decides over a read of values, as {@link authorize} does.
 * @param action `get` where whoever asks is shown the value, `read` for a program that was written to have it
 * @param options.token of `--token`
 * @param options.approver without it a person is asked on the terminal or by a dialog
 */
export function judgeRead(
  action: Extract<UseRequest["action"], "get" | "read">,
  options: { readonly token?: string | undefined; readonly approver?: Approver | undefined } = {},
): Judge {
  return async (context, { files, actor, paths }) => {
    const token = presentedToken(context, options.token);
    const { root } = actor;
    const { manifest } = await stateOf(files);
    const secrets = await Promise.all(
      paths.map(async (path) => ({
        secret: formatSecretPath(path),
        groups: manifest.groupsOf(path),
        ...(await secretAttributes(files, path)),
      })),
    );
    const use: UseRequest = {
      action,
      secrets,
      holder: await actor.holder(),
      surroundings: surroundingsOf(context, root),
      command: undefined,
      reason: undefined,
      service: context.env["AGENT_VAULT_SERVICE"] || undefined,
    };
    const record = isAuditOff(context.env) ? undefined : await openUseRecord(context, actor);
    const approver = options.approver ?? personalApprover(context);
    const passed = await authorize(context, { use, files, token, ledger: record?.ledger, approver });
    return {
      identity: passed.token && `token:${passed.token.id}`,
      reason: passed.approval && `Approved ${passed.approval}.`,
    };
  };
}
