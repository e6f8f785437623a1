import { andMore, VaultError } from "@agent-vault/vault/read-only";
import type { UseRequest } from "./use-request.js";
import type { Decision } from "./decide.js";
import { ruleName } from "./rule-name.js";

/** Refuses a use that the policy does not allow. @throws VaultError as {@link refusalOf} has it */
export function requireAllowed(decision: Decision, request: UseRequest): void {
  const refusal = refusalOf(decision, request);
  if (refusal) throw refusal;
}

/** The error for a use that the policy does not allow: `POLICY_DENIED`, or `HARNESS_DENIED` where a coding agent asks for values. */
export function refusalOf({ secrets }: Decision, { action, invocation }: UseRequest): VaultError | undefined {
  const denied = secrets.find(({ allowed }) => !allowed);
  if (!denied) return undefined;
  const { secret, code, rule, unlisted } = denied;
  if (code === "HARNESS_DENIED")
    return new VaultError(
      "HARNESS_DENIED",
      `A coding agent (${invocation.harness}) asked to ${action} ${secret}, which would show it the value.`,
      {
        remedy: `Have a command use it without showing it: agent-vault run --secret ${secret} -- COMMAND. To allow ${action}, an owner names it among the actions of a rule.`,
      },
    );
  if (unlisted.length > 0)
    return new VaultError("POLICY_DENIED", `No rule of a policy lists ${andMore(unlisted, 5)}, which this use of ${secret} would set.`, {
      remedy: "Leave the variable out, or have an owner list its name under env in the rule that allows this use: allow: {env: NAME}.",
    });
  return new VaultError(
    "POLICY_DENIED",
    `The vault's policy ${rule ? `denies this use of ${secret}: ${ruleName(rule)}` : `has no rule that allows this use of ${secret}`}.`,
    {
      remedy: "See why with agent-vault policy explain; an owner can change the policy.",
    },
  );
}
