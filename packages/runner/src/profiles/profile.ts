import type { SecretPath } from "@agent-vault/vault/read-only";
import type { TemplatePart } from "../references/reference.js";
import type { SecretVariable } from "../references/variables.js";

/** A named set of secrets, with what goes with it. It gives no authority of its own. */
export interface Profile {
  readonly name: string;
  readonly description: string | undefined;
  readonly secrets: readonly SecretVariable[];
  /** Further variables; their values are their parts one after the other. */
  readonly env: readonly { readonly name: string; readonly value: readonly TemplatePart[] }[];
  /** How long a token that is made of it lasts. */
  readonly ttlMs: number | undefined;
  readonly caveats: ProfileCaveats;
}

/** What restricts a token that is made of a profile, beyond its secrets and its time. Of several values, one has to hold. */
export interface ProfileCaveats extends Partial<Record<CaveatName, readonly string[]>> {
  readonly uses?: number;
}

/** Caveats with patterns that a profile can have. */
export const CAVEAT_NAMES = ["secret", "group", "repo", "branch", "agent", "user", "command", "environment"] as const;
/** One of {@link CAVEAT_NAMES}. */
export type CaveatName = (typeof CAVEAT_NAMES)[number];

/** Every secret of a profile, each once. */
export function secretsOf({ secrets, env }: Profile): SecretPath[] {
  const referenced = env.flatMap(({ value }) => value.flatMap((part) => (typeof part === "string" ? [] : [part.secret])));
  return [...new Set([...secrets.map(({ secret }) => secret), ...referenced])];
}
