import type { UseRequest } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault/read-only";
import type { ServerPolicy } from "./call.js";

/** Whether a secret is one of those that the server is about. @param groups that list it */
export function isWithin({ groups: allowed }: ServerPolicy, groups: readonly string[]): boolean {
  return allowed === undefined || groups.some((group) => allowed.includes(group));
}

/** Holds a use to the groups that the server is about. @throws VaultError `POLICY_DENIED` */
export function restrictedTo(terms: ServerPolicy): (use: UseRequest) => void {
  return ({ secrets }) => {
    const outside = secrets.find(({ groups }) => !isWithin(terms, groups));
    if (outside) throw beyond(terms, outside.secret);
  };
}

export function beyond({ groups = [] }: ServerPolicy, secret: string): VaultError {
  return new VaultError("POLICY_DENIED", `${secret} is in none of the groups that this server is for: ${groups.join(", ")}.`, {
    remedy: "Use a secret that agent_vault_list shows.",
  });
}
