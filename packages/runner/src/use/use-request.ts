import type { InvocationContext } from "@agent-vault/ledger";
import type { Principal } from "@agent-vault/vault/read-only";

/** What somebody wants to do with secrets, as policy, tokens and approvals judge it before anything is decrypted. */
export interface UseRequest {
  /** `run` hands values to a command, `get` and `inject` to whoever asks, `read` to a program that was written to have them. */
  readonly action: "run" | "get" | "inject" | "read";
  readonly secrets: readonly RequestedSecret[];
  readonly principal: Principal;
  readonly invocation: InvocationContext;
  /** The program and its words, for `run`. */
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
