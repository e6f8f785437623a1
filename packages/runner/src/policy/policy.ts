import type { PathSegments } from "./path-segments.js";

/** What a rule can ask of a use. */
export const CONDITION_FIELDS = [
  "agents",
  "users",
  "repositories",
  "branches",
  "environments",
  "services",
  "harnesses",
  "commands",
  "actions",
] as const;
/** A field of conditions. */
export type ConditionField = (typeof CONDITION_FIELDS)[number];

/**
 * What a person has to say before a use, from the least to the most: nothing; an answer that may hold for the session; an answer to this
 * use, which may have been given in advance; an answer to this use that is given now.
 */
export const APPROVALS = ["never", "session", "once", "always"] as const;
/** One of {@link APPROVALS}. */
export type Approval = (typeof APPROVALS)[number];

/** A pattern as it was written, and in its segments. */
export interface Pattern {
  readonly text: string;
  readonly segments: PathSegments;
}

/** Patterns by field; one of a field's patterns has to fit. */
export type Conditions = { readonly [field in ConditionField]?: readonly Pattern[] };

/** A rule of a policy. */
export interface Rule {
  readonly name: string | undefined;
  /** Its place in the list, from 1. */
  readonly position: number;
  /** Where it begins in its file, from 1. */
  readonly line: number;
  readonly secrets: readonly Pattern[];
  /** The rule is about uses for which all of this holds. */
  readonly when: Conditions | undefined;
  /** It allows the uses for which all of this holds; without it, it allows none. */
  readonly allow: Conditions | "all" | undefined;
  /** It denies the uses for which any of this holds. */
  readonly deny: Conditions | "all" | undefined;
  readonly approval: Approval | undefined;
  /** The longest that a token, lease or session may last. */
  readonly maxTtlMs: number | undefined;
}

/** `policy.yaml`: who may use which secrets, and how. What no rule allows is denied. */
export interface Policy {
  readonly file: string;
  readonly rules: readonly Rule[];
}
