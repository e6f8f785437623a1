import type { UseRequest } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault/read-only";
import type { ServerPolicy } from "./call.js";

/** Whether a secret is one of those that the server offers. @param groups that list it */
export function isWithin({ groups: allowed }: ServerPolicy, groups: readonly string[]): boolean {
  return allowed === undefined || groups.some((group) => allowed.includes(group));
}

/** Restricts a use to the groups that the server offers. @returns a function that @throws VaultError `POLICY_DENIED` */
export function restrictedTo(policy: ServerPolicy): (use: UseRequest) => void {
  return ({ secrets }) => {
    const outside = secrets.find(({ groups }) => !isWithin(policy, groups));
    if (outside) throw outsideGroups(policy, outside.secret);
  };
}

/** The error for a secret that the server does not offer. */
export function outsideGroups({ groups = [] }: ServerPolicy, secret: string): VaultError {
  return new VaultError("POLICY_DENIED", `${secret} is not in a group that this server offers: ${groups.join(", ")}.`, {
    remedy: "Use a secret that agent_vault_list shows.",
  });
}
