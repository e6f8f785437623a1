import type { KeyChoice } from "@agent-vault/vault/read-only";

/** The choice of key that `--key` makes. */
export function keyChoice(keyFile: string | undefined): KeyChoice {
  return keyFile === undefined ? {} : { keyFile };
}
