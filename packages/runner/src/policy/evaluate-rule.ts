import { plainVariables, setsListedVariablesOnly, type RequestedSecret, type UseRequest } from "./use-request.js";
import { matchesSegments, matchesSegment } from "./glob.js";
import { matchesCommand, type Strictness } from "./matches-command.js";
import { secretSegments, type PathSegments } from "./path-segments.js";
import { CONDITION_FIELDS, type ConditionField, type Conditions, type Pattern, type Rule } from "./policy.js";
import { useValue } from "./use-values.js";

/** What one rule says of one secret's use. A rule that limits has no `allow`, and says how the use is to be approved. */
export interface Verdict {
  readonly rule: Rule;
  readonly effect: "denies" | "allows" | "limits" | "silent";
  /** The part of the rule that says so; what limits may name a field of which it is in doubt whether it holds. */
  readonly because: "secrets" | "when" | "allow" | "deny";
  /** The field of that part; `undefined` where all of it or none of it holds. */
  readonly field: ConditionField | undefined;
}

/** What a rule says of the use of one secret. */
export function evaluateRule(rule: Rule, request: UseRequest, secret: RequestedSecret): Verdict {
  const verdict = (effect: Verdict["effect"], because: Verdict["because"], field?: ConditionField) => ({ rule, effect, because, field });
  const matches = (conditions: Conditions, field: ConditionField, strictness: Strictness) =>
    matchesAny(
      conditions[field]!,
      field,
      strictness === "loose" ? looseValue(field, request, secret) : useValue(field, request, secret),
      strictness,
    );
  const firstUnmet = (conditions: Conditions, strictness: Strictness) =>
    fieldsOf(conditions).find((field) => !matches(conditions, field, strictness));

  if (!coversSecret(rule, secret)) return verdict("silent", "secrets");
  const { when = {}, allow, deny } = rule;
  const excluded = firstUnmet(when, "loose");
  if (excluded) return verdict("silent", "when", excluded);
  if (deny === "all") return verdict("denies", "deny");
  const denied = deny && fieldsOf(deny).find((field) => matches(deny, field, "loose"));
  if (denied) return verdict("denies", "deny", denied);

  const doubtful = firstUnmet(when, "strict");
  if (allow === undefined) return rule.approval || rule.maxTtlMs ? verdict("limits", "when", doubtful) : verdict("silent", "deny");
  if (doubtful) return verdict("silent", "when", doubtful);
  const { env: _, ...conditions } = allow === "all" ? {} : allow;
  const unmet = firstUnmet(conditions, "strict") ?? (unlistedVariables(rule, request).length > 0 ? "env" : undefined);
  return unmet ? verdict("silent", "allow", unmet) : verdict("allows", "allow");
}

/**
 * The plain variables of a use that keep a rule from allowing it. A rule that names commands, from version 2 on, and one that lists variables allow those
 * that they list; where the asker is not known to be a person, every rule does.
 */
export function unlistedVariables({ allow, when, version }: Rule, request: UseRequest): string[] {
  const listed = allow === "all" ? undefined : allow?.env;
  const namesCommands = (allow !== "all" && allow?.commands !== undefined) || when?.commands !== undefined;
  if (!listed && !(namesCommands && version >= 2) && !setsListedVariablesOnly(request)) return [];
  return plainVariables(request).filter((name) => !listed?.some(({ text }) => matchesSegment(text, name)));
}

/** Read through the command line, a program's read is a `get` to what denies `get`, since the caller says which of the two it is. */
function looseValue(field: ConditionField, request: UseRequest, secret: RequestedSecret): PathSegments | undefined {
  const isEither = field === "actions" && request.action === "read" && request.door === "cli";
  return isEither ? ["read", "get"] : useValue(field, request, secret);
}

/** Whether a rule names a secret, whatever else it says. */
export function coversSecret(rule: Rule, { secret }: RequestedSecret): boolean {
  return rule.secrets.some(({ segments }) => matchesSegments(segments, secretSegments(secret)));
}

function fieldsOf(conditions: Conditions): ConditionField[] {
  return CONDITION_FIELDS.filter((field) => conditions[field]);
}

function matchesAny(patterns: readonly Pattern[], field: ConditionField, value: PathSegments | undefined, strictness: Strictness): boolean {
  if (value === undefined) return strictness === "loose" && (field === "agents" || field === "users");
  // Each of several variables, and each of two actions, is a value of its own.
  if (field === "env" || field === "actions") return value.some((one) => patterns.some(({ text }) => matchesWord(text, one, strictness)));
  return patterns.some(({ segments }) => {
    if (field === "commands") return matchesCommand(segments, value, strictness);
    return matchesSegments(segments, value) || (strictness === "loose" && matchesSegments(segments.map(toLower), value.map(toLower)));
  });
}

function matchesWord(pattern: string, word: string, strictness: Strictness): boolean {
  return matchesSegment(pattern, word) || (strictness === "loose" && matchesSegment(toLower(pattern), toLower(word)));
}

function toLower(text: string): string {
  return text.toLowerCase();
}
