import { digestOf, type Digest } from "@agent-vault/vault/read-only";
import type { UseRequest } from "../policy/use-request.js";

/** What a person has allowed for the length of a session. */
export interface ApprovalMemory {
  isRemembered(use: Digest): Promise<boolean>;
  remember(use: Digest): Promise<void>;
}

/** The memory of one long-lived process: its session ends with it. */
export class SessionApprovals implements ApprovalMemory {
  readonly #uses = new Set<Digest>();

  async isRemembered(use: Digest): Promise<boolean> {
    return this.#uses.has(use);
  }

  async remember(use: Digest): Promise<void> {
    this.#uses.add(use);
  }
}

/**
 * What an answer for a session covers: what was shown, and nothing beside it. The same principal does the same with the same secrets, by the same
 * command, in the same folder, repository and branch. The reason may change.
 */
export function approvedUse({ action, secrets, principal, invocation, command, service }: UseRequest): Digest {
  const exactSecrets = secrets
    .map(({ secret, environment, access }) => [secret, environment ?? null, access ?? null])
    .toSorted(([one], [other]) => (one! < other! ? -1 : 1));
  const { folder, repository, branch } = invocation;
  const where = [folder, repository ?? null, branch ?? null];
  return digestOf(
    JSON.stringify(["approved use", 1, action, principal.identity, exactSecrets, command ?? null, service ?? null, ...where]),
  );
}
