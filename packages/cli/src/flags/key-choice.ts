import type { KeyChoice } from "@agent-vault/vault/read-only";

/** The choice that a `--key` makes. */
export function keyChoice(keyFile: string | undefined): KeyChoice {
  return keyFile === undefined ? {} : { keyFile };
}
