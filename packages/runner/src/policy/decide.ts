import { VaultError } from "@agent-vault/vault/read-only";
import type { RequestedSecret, UseRequest } from "../use/use-request.js";
import { matchesCommand, type Reading } from "./matches-command.js";
import { fitsParts, type Parts } from "./glob.js";
import {
  APPROVALS,
  CONDITION_FIELDS,
  type Approval,
  type ConditionField,
  type Conditions,
  type Pattern,
  type Policy,
  type Rule,
} from "./policy.js";
import { repositoryName } from "./repository.js";

/** What a policy says of a use; of several secrets, all have to be allowed, and the strictest counts. */
export interface Decision {
  readonly allowed: boolean;
  readonly approval: Approval;
  /** The longest that a token, lease or session may last, in milliseconds; `undefined` where nothing limits it. */
  readonly maxTtl: number | undefined;
  readonly secrets: readonly SecretDecision[];
}

export interface SecretDecision {
  readonly secret: string;
  readonly allowed: boolean;
  /** Why it is denied. */
  readonly code: "POLICY_DENIED" | "HARNESS_DENIED" | undefined;
  /** The rule that denies or allows it; `undefined` without a policy, or where none allows it. */
  readonly rule: Rule | undefined;
  readonly approval: Approval;
  /** The rule that asks for the approval; `undefined` where it is asked for by what the secret is. */
  readonly approvalRule: Rule | undefined;
  readonly maxTtl: number | undefined;
  /** What each rule of the policy says, in its order. */
  readonly verdicts: readonly Verdict[];
}

/** What one rule says of one secret's use. A rule that limits has no `allow`, and says how the use is to be approved. */
export interface Verdict {
  readonly rule: Rule;
  readonly effect: "denies" | "allows" | "limits" | "silent";
  /** The part of the rule that says so; what limits may name a field of which it is in doubt whether it holds. */
  readonly because: "secrets" | "when" | "allow" | "deny";
  /** The field of that part; `undefined` where all of it or none of it holds. */
  readonly field: ConditionField | undefined;
}

/** Actions that hand the value to whoever asks, where `run` hands it to a command. */
const SHOWING: ReadonlySet<string> = new Set(["get", "inject"]);
/** Attributes of secrets that a person is asked about first, where no rule says otherwise. */
const PRODUCTION = /(?:^|[^a-z])(?:prod|production|prd|live)(?![a-z])/i;
const SENSITIVE_ACCESS: ReadonlySet<string> = new Set(["read-write", "admin"]);

/** @param policy `undefined` for a vault without one, where whoever can open a secret may use it */
export function decide(policy: Policy | undefined, request: UseRequest): Decision {
  const secrets = request.secrets.map((secret) => decideSecret(policy, request, secret));
  return {
    allowed: secrets.every(({ allowed }) => allowed),
    approval: strictest(secrets.map(({ approval }) => approval)) ?? "never",
    maxTtl: shortest(secrets.map(({ maxTtl }) => maxTtl)),
    secrets,
  };
}

/** @throws VaultError `POLICY_DENIED`, or `HARNESS_DENIED` where a coding agent asks for values */
export function requireAllowed({ secrets }: Decision, { action, invocation }: UseRequest): void {
  const denied = secrets.find(({ allowed }) => !allowed);
  if (!denied) return;
  const { secret, code, rule } = denied;
  if (code === "HARNESS_DENIED")
    throw new VaultError(
      "HARNESS_DENIED",
      `A coding agent (${invocation.harness}) asked to ${action} ${secret}, which would show it the value.`,
      {
        remedy: `Have a command use it unseen: agent-vault run --secret ${secret} -- COMMAND. A rule of the policy that names ${action} among its actions would allow it.`,
      },
    );
  throw new VaultError(
    "POLICY_DENIED",
    `The vault's policy ${rule ? `denies this use of ${secret}: ${ruleName(rule)}` : `has no rule that allows this use of ${secret}`}.`,
    {
      remedy: "See why with agent-vault policy explain; an owner can change the policy.",
    },
  );
}

export function isAbout(rule: Rule, { secret }: RequestedSecret): boolean {
  return rule.secrets.some(({ parts }) => fitsParts(parts, secretParts(secret)));
}

/** @param secret as secrets are shown */
export function secretParts(secret: string): Parts {
  return secret.includes("/") ? secret.split("/") : ["default", secret];
}

/** As messages name a rule. */
export function ruleName({ name, position, line }: Rule): string {
  return `rule ${name === undefined ? position : JSON.stringify(name)} (line ${line})`;
}

/** Why a person is asked before a secret is used that no rule says anything about, in words, or `undefined`. */
export function sensitivityOf({ environment, access }: RequestedSecret): string | undefined {
  if (environment !== undefined && PRODUCTION.test(environment)) return `its environment is ${environment}`;
  return access !== undefined && SENSITIVE_ACCESS.has(access) ? `its access is ${access}` : undefined;
}

function decideSecret(policy: Policy | undefined, request: UseRequest, secret: RequestedSecret): SecretDecision {
  const verdicts = (policy?.rules ?? []).map((rule) => judge(rule, request, secret));
  const denying = verdicts.find(({ effect }) => effect === "denies");
  const allowing = verdicts.filter(({ effect }) => effect === "allows");
  const shown = surelyShown(request) && !allowing.some(({ rule }) => namesAction(rule, request.action));
  const code = denying || (policy && allowing.length === 0) ? "POLICY_DENIED" : shown ? "HARNESS_DENIED" : undefined;
  const speaking = verdicts.filter(({ effect }) => effect === "allows" || effect === "limits");
  const approval = approvalOf(speaking, secret);
  return {
    secret: secret.secret,
    allowed: code === undefined,
    code,
    rule: (denying ?? allowing[0])?.rule,
    approval,
    approvalRule: speaking.find(({ rule }) => rule.approval === approval)?.rule,
    maxTtl: shortest(speaking.map(({ rule }) => rule.maxTtl)),
    verdicts,
  };
}

/** Rules that surely apply say it in the place of what the secret is; one of which that is in doubt can only add to it. */
function approvalOf(speaking: readonly Verdict[], secret: RequestedSecret): Approval {
  const stated = (verdicts: readonly Verdict[]) => strictest(verdicts.flatMap(({ rule }) => rule.approval ?? []));
  const sure = stated(speaking.filter(({ field }) => field === undefined));
  const usual = sensitivityOf(secret) === undefined ? "never" : "session";
  return strictest([sure ?? usual, stated(speaking) ?? "never"])!;
}

function judge(rule: Rule, request: UseRequest, secret: RequestedSecret): Verdict {
  const verdict = (effect: Verdict["effect"], because: Verdict["because"], field?: ConditionField): Verdict => ({
    rule,
    effect,
    because,
    field,
  });
  const fitting = (conditions: Conditions, field: ConditionField, reading: Reading) =>
    fitsAny(conditions[field]!, field, valueOf(field, request, secret), reading);
  const missing = (conditions: Conditions, reading: Reading) => fieldsOf(conditions).find((field) => !fitting(conditions, field, reading));

  if (!isAbout(rule, secret)) return verdict("silent", "secrets");
  const { when = {}, allow, deny } = rule;
  const apart = missing(when, "widely");
  if (apart) return verdict("silent", "when", apart);
  if (deny === "all") return verdict("denies", "deny");
  const offence = deny && fieldsOf(deny).find((field) => fitting(deny, field, "widely"));
  if (offence) return verdict("denies", "deny", offence);

  const doubtful = missing(when, "narrowly");
  if (allow === undefined) return rule.approval || rule.maxTtl ? verdict("limits", "when", doubtful) : verdict("silent", "deny");
  if (doubtful) return verdict("silent", "when", doubtful);
  const unmet = allow === "all" ? undefined : missing(allow, "narrowly");
  return unmet ? verdict("silent", "allow", unmet) : verdict("allows", "allow");
}

function fieldsOf(conditions: Conditions): ConditionField[] {
  return CONDITION_FIELDS.filter((field) => conditions[field]);
}

function fitsAny(patterns: readonly Pattern[], field: ConditionField, value: Parts | undefined, reading: Reading): boolean {
  if (value === undefined) return reading === "widely" && (field === "agents" || field === "users");
  return patterns.some(({ parts }) => {
    if (field === "commands") return matchesCommand(parts, value, reading);
    return fitsParts(parts, value) || (reading === "widely" && fitsParts(parts.map(toLower), value.map(toLower)));
  });
}

function toLower(text: string): string {
  return text.toLowerCase();
}

/** What a use is in a field's terms; `undefined` where there is none, and for agents and users where it is not known who they are. */
function valueOf(
  field: ConditionField,
  { principal, invocation, command, service, action }: UseRequest,
  secret: RequestedSecret,
): Parts | undefined {
  switch (field) {
    case "agents":
      return principal.name === undefined ? undefined : [principal.role, principal.name];
    case "users":
      return partOf(invocation.user);
    case "repositories":
      return invocation.repository === undefined ? undefined : repositoryName(invocation.repository).split("/");
    case "branches":
      return invocation.branch?.split("/");
    case "environments":
      return partOf(secret.environment);
    case "services":
      return partOf(service);
    case "harnesses":
      return partOf(invocation.harness);
    case "commands":
      return command;
    case "actions":
      return [action];
  }
}

/** What a use is in a field's terms, in words. */
export function describeValue(field: ConditionField, request: UseRequest, secret: RequestedSecret): string | undefined {
  const value = valueOf(field, request, secret);
  if (field === "commands") return value?.map((word) => (/^[^\s"']+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  return field === "agents" && value ? `${value[0] === "owner" ? "owner:" : ""}${value[1]}` : value?.join("/");
}

function partOf(value: string | undefined): Parts | undefined {
  return value === undefined ? undefined : [value];
}

/** Whether a coding agent asks for a value itself. */
function surelyShown({ action, invocation }: UseRequest): boolean {
  return invocation.harness !== undefined && SHOWING.has(action);
}

/** Showing a value to a coding agent takes a rule that says just that. */
function namesAction({ allow }: Rule, action: string): boolean {
  return allow !== "all" && (allow?.actions ?? []).some(({ text }) => text === action);
}

function strictest(approvals: readonly Approval[]): Approval | undefined {
  return APPROVALS.findLast((approval) => approvals.includes(approval));
}

function shortest(spans: readonly (number | undefined)[]): number | undefined {
  const given = spans.filter((span) => span !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
