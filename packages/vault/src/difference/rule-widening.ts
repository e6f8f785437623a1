import { durationOf } from "../text/duration.js";

/** A rule of a policy as the file has it; the policy's own reader says what is valid. */
export type Rule = Readonly<Record<string, unknown>>;

/** What a person has to say before a use, from the least to the most. */
const APPROVALS = ["never", "session", "once", "always"];

/** Whether a new rule lets somebody do more. @param hadPolicy without one nothing was denied, so nothing is allowed that was not */
export function addedRuleWidens(rule: Rule, hadPolicy: boolean): boolean {
  return (hadPolicy && rule["allow"] !== undefined) || isLenient(rule) || hasUnknownField(rule);
}

/** Whether a rule's removal lets somebody do more: only what nothing but allows can go for sure. */
export function removedRuleWidens(rule: Rule): boolean {
  return restricts(rule) || hasUnknownField(rule);
}

/** Whether a change of a rule lets somebody do more; where that cannot be told from its fields alone, it does. */
export function changedRuleWidens(old: Rule, now: Rule): boolean {
  const fields = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return fields.some((field) => JSON.stringify(old[field]) !== JSON.stringify(now[field]) && fieldWidens(field, old, now));
}

function fieldWidens(field: string, old: Rule, now: Rule): boolean {
  const [was, is] = [old[field], now[field]];
  switch (field) {
    case "allow":
      return (is !== undefined && !(was !== undefined && asksForMore(withoutEnv(was), withoutEnv(is)))) || envWidens(old, now);
    case "env":
      return envWidens(old, now);
    case "deny":
      return was !== undefined && !(is !== undefined && deniesMore(was, is));
    case "approval":
      return APPROVALS.indexOf(String(is)) <= Math.max(APPROVALS.indexOf(String(was)), 0);
    case "max_ttl":
      return is === undefined || durationMs(is) > durationMs(was);
    case "secrets":
      return reachWidens(old, now, includes(texts(was), texts(is)), includes(texts(is), texts(was)));
    case "when":
      return reachWidens(old, now, is !== undefined && asksForMore(was ?? {}, is), was !== undefined && asksForMore(is ?? {}, was));
    default:
      return true;
  }
}

/** A rule that reaches less does harm where it restricts, and one that reaches more where it allows. */
function reachWidens(old: Rule, now: Rule, isLess: boolean, isMore: boolean): boolean {
  const allows = [old, now].some((rule) => rule["allow"] !== undefined || isLenient(rule));
  const isRestricting = [old, now].some(restricts);
  return !((isLess && !isRestricting) || (isMore && !allows));
}

function restricts(rule: Rule): boolean {
  return rule["deny"] !== undefined || rule["max_ttl"] !== undefined || (rule["approval"] !== undefined && !isLenient(rule));
}

/** A rule that asks nobody goes before what a secret's own attributes ask for. */
function isLenient(rule: Rule): boolean {
  return rule["approval"] === "never";
}

function hasUnknownField(rule: Rule): boolean {
  return Object.keys(rule).some((field) => !["name", "secrets", "when", "allow", "env", "deny", "approval", "max_ttl"].includes(field));
}

/** Whether a rule comes to allow a variable: one more name does for all, and a list that comes or goes does for some. */
function envWidens(old: Rule, now: Rule): boolean {
  const [was, is] = [listedEnv(old), listedEnv(now)];
  if (now["allow"] === undefined || (was === undefined && is === undefined)) return false;
  return was === undefined || is === undefined || !includes(was, is);
}

/** The variables that a rule lists, wherever in it. */
function listedEnv({ allow, env }: Rule): unknown[] | undefined {
  const listed = env ?? (isMapping(allow) ? allow["env"] : undefined);
  return listed === undefined ? undefined : texts(listed);
}

/** What else is asked for: the variables that a rule lists are more that it allows, and no condition. */
function withoutEnv(conditions: unknown): unknown {
  if (!isMapping(conditions)) return conditions;
  const { env: _, ...rest } = conditions;
  return Object.keys(rest).length === 0 ? "all" : rest;
}

/** Whether conditions of which all have to hold are stricter: each that was there still is, with no further pattern. */
function asksForMore(was: unknown, is: unknown): boolean {
  if (was === "all") return true;
  if (!isMapping(was) || !isMapping(is)) return false;
  return Object.keys(was).every((field) => is[field] !== undefined && includes(texts(was[field]), texts(is[field])));
}

/** Whether conditions of which any denies deny at least what they did. */
function deniesMore(was: unknown, is: unknown): boolean {
  if (is === "all") return true;
  if (!isMapping(was) || !isMapping(is)) return false;
  return Object.keys(was).every((field) => includes(texts(is[field]), texts(was[field])));
}

/** Whether all of `part` are in `whole`. */
function includes(whole: readonly unknown[], part: readonly unknown[]): boolean {
  return part.every((item) => whole.includes(item));
}

function texts(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function durationMs(value: unknown): number {
  return typeof value === "string" ? (durationOf(value) ?? Infinity) : Infinity;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
