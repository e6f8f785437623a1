import { digestOf, type Digest } from "@agent-vault/vault/read-only";
import type { UseRequest } from "../policy/use-request.js";
import { differences } from "./facts.js";

/** What a person has allowed for the length of a session. */
export interface ApprovalMemory {
  isRemembered(use: Digest): Promise<boolean>;
  remember(use: Digest): Promise<void>;
  /** Takes down what was allowed, for {@link closest}, be it once; absent where digests alone are kept. */
  noteAllowed?(request: UseRequest): void;
  /** What was allowed before and is most like a request; `undefined` where nothing was. */
  closest?(request: UseRequest): UseRequest | undefined;
}

/** How many of the uses that were allowed are kept to compare with. */
const MAX_ALLOWED = 100;

/** The memory of one long-lived process: its session ends with it. */
export class SessionApprovals implements ApprovalMemory {
  readonly #uses = new Set<Digest>();
  #allowed: readonly UseRequest[] = [];

  async isRemembered(use: Digest): Promise<boolean> {
    return this.#uses.has(use);
  }

  async remember(use: Digest): Promise<void> {
    this.#uses.add(use);
  }

  noteAllowed(request: UseRequest): void {
    this.#allowed = [...this.#allowed, request].slice(-MAX_ALLOWED);
  }

  closest(request: UseRequest): UseRequest | undefined {
    const counted = this.#allowed.map((before) => ({ before, count: differences(before, request).length }));
    return counted.toSorted((one, other) => one.count - other.count)[0]?.before;
  }
}

/**
 * What an answer for a session covers: all of the request, as it was shown, but for its reason. So what a request comes to hold is covered from the
 * first day. Which groups list a secret is not looked up for every use, and is left out.
 */
export function approvedUse(request: UseRequest): Digest {
  const { reason: _, secrets, ...rest } = request;
  const exactSecrets = secrets.map((secret) => canonical({ ...secret, groups: undefined })).toSorted();
  return digestOf(JSON.stringify(["approved use", 2, exactSecrets, canonical(rest)]));
}

/** The same text for the same data, in whatever order its fields were set. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : field,
  );
}
