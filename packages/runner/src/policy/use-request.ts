import type { InvocationContext } from "@agent-vault/ledger";
import type { Principal } from "@agent-vault/vault/read-only";

/** A use of secrets, as policy, tokens and approvals see it before anything is decrypted. */
export interface UseRequest {
  /** `run` hands values to a command, `get` and `inject` show them to the caller, `read` hands them to a program that was written for it. */
  readonly action: "run" | "get" | "inject" | "read";
  readonly secrets: readonly RequestedSecret[];
  readonly principal: Principal;
  readonly invocation: InvocationContext;
  /** The program and its arguments, for `run`. */
  readonly command: readonly string[] | undefined;
  /** What it is for, as the caller says. */
  readonly reason: string | undefined;
  /** The service that the caller says it is (`--service`, `AGENT_VAULT_SERVICE`): a hint. */
  readonly service: string | undefined;
}

/** A secret with what the owner signed of it. */
export interface RequestedSecret {
  /** As secrets are shown: `group/name`, or `name` in the group `default`. */
  readonly secret: string;
  /** The groups that list it. */
  readonly groups: readonly string[];
  readonly environment: string | undefined;
  readonly provider: string | undefined;
  /** `read`, `read-write` or `admin`. */
  readonly access: string | undefined;
  readonly tags: readonly string[];
}
