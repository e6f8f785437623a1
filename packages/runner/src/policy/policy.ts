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
  "env",
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
  /** Of its policy. */
  readonly version: PolicyVersion;
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

/** In version 2 a rule that names commands allows no plain variable that it does not list, and a policy without `rules` denies nothing. */
export type PolicyVersion = 1 | 2;

/** Where a person can be asked. */
export const APPROVAL_CHANNELS = ["terminal", "dialog", "mcp"] as const;
/** One of {@link APPROVAL_CHANNELS}. */
export type ApprovalChannel = (typeof APPROVAL_CHANNELS)[number];

/** `policy.yaml`: who may use which secrets, and how. What no rule allows is denied. */
export interface Policy {
  readonly file: string;
  readonly version: PolicyVersion;
  /** Where a person may be asked; `undefined` for everywhere, and then an answer that was given in advance counts as well. */
  readonly approvalChannels: readonly ApprovalChannel[] | undefined;
  /** Whether it has rules, if only an empty list of them; without, it denies nothing. */
  readonly hasRules: boolean;
  readonly rules: readonly Rule[];
}
