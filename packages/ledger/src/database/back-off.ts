import type { Context } from "@agent-vault/vault/read-only";

const MAX_WAIT_MS = 32;

/** Waits before another attempt: longer each time, and by chance, so that two processes do not keep meeting. */
export function backOff({ random }: Pick<Context, "random">, attempt: number): Promise<void> {
  const waitMs = 1 + ((random(1)[0]! + 1) / 256) * Math.min(2 ** attempt, MAX_WAIT_MS);
  return new Promise((resume) => void setTimeout(resume, waitMs));
}
