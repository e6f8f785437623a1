import { isProduction } from "@agent-vault/vault/read-only";
import { plainVariables, setsListedVariablesOnly, type RequestedSecret, type UseRequest } from "./use-request.js";
import { evaluateRule, unlistedVariables, type Verdict } from "./evaluate-rule.js";
import { APPROVALS, type Approval, type ApprovalChannel, type Policy, type Rule } from "./policy.js";

/** What a policy says of a use; of several secrets, all have to be allowed, and the strictest counts. */
export interface Decision {
  readonly allowed: boolean;
  readonly approval: Approval;
  /** The longest that a token, lease or session may last; `undefined` where nothing limits it. */
  readonly maxTtlMs: number | undefined;
  /** Where a person may be asked; `undefined` for everywhere. */
  readonly channels: readonly ApprovalChannel[] | undefined;
  readonly secrets: readonly SecretDecision[];
}

/** What the person has said who started what decides. */
export interface DecideOptions {
  /** That a coding agent may be shown values which no rule keeps from it. */
  readonly mayShow?: boolean | undefined;
}

/** What a policy says of the use of one secret. */
export interface SecretDecision {
  readonly secret: string;
  readonly allowed: boolean;
  /** Why it is denied. */
  readonly code: "POLICY_DENIED" | "HARNESS_DENIED" | undefined;
  /** The rule that denies or allows it; `undefined` without a policy, or where none allows it. */
  readonly rule: Rule | undefined;
  /** The plain variables for whose sake alone it is denied: no rule that would allow it lists them. */
  readonly unlisted: readonly string[];
  readonly approval: Approval;
  /** The rule that asks for the approval; `undefined` where it is asked for by what the secret is. */
  readonly approvalRule: Rule | undefined;
  readonly maxTtlMs: number | undefined;
  /** What each rule of the policy says, in its order. */
  readonly verdicts: readonly Verdict[];
}

/** Actions that show the value to the caller, where `run` hands it to a command. */
const SHOWING: ReadonlySet<string> = new Set(["get", "inject"]);
/** What a secret gives access to where a person is asked about it first, if no rule says otherwise. */
const SENSITIVE_ACCESS: ReadonlySet<string> = new Set(["read-write", "admin"]);

/**
 * Decides on a use.
 * @param policy `undefined` for a vault without one, where everyone with a key that opens a secret may use it
 */
export function decide(policy: Policy | undefined, request: UseRequest, options: DecideOptions = {}): Decision {
  const restricting = policy?.hasRules ? policy : undefined;
  const secrets = request.secrets.map((secret) => decideSecret(restricting, request, secret, options));
  return ofSecrets(secrets, policy?.approvalChannels);
}

/** Several decisions on one use: all have to allow it, and the strictest counts. */
export function joinDecisions(decisions: readonly Decision[]): Decision {
  const named = decisions.flatMap(({ channels }) => (channels ? [channels] : []));
  const inAll = named[0]?.filter((channel) => named.every((channels) => channels.includes(channel)));
  return ofSecrets(
    decisions.flatMap(({ secrets }) => secrets),
    inAll,
  );
}

function ofSecrets(secrets: readonly SecretDecision[], channels: Decision["channels"]): Decision {
  return {
    channels,
    allowed: secrets.every(({ allowed }) => allowed),
    approval: strictest(secrets.map(({ approval }) => approval)) ?? "never",
    maxTtlMs: shortest(secrets.map(({ maxTtlMs }) => maxTtlMs)),
    secrets,
  };
}

function decideSecret(policy: Policy | undefined, request: UseRequest, secret: RequestedSecret, options: DecideOptions): SecretDecision {
  const verdicts = (policy?.rules ?? []).map((rule) => evaluateRule(rule, request, secret));
  const denying = verdicts.find(({ effect }) => effect === "denies");
  const allowing = verdicts.filter(({ effect }) => effect === "allows");
  const isShown = !options.mayShow && showsToAgent(request) && !allowing.some(({ rule }) => namesAction(rule, request.action));
  const unlisted = denying || allowing.length > 0 ? [] : policy ? unlistedByRules(verdicts, request) : unlistedWithoutRules(request);
  const isDenied = denying !== undefined || (policy ? allowing.length === 0 : unlisted.length > 0);
  const code = isDenied ? "POLICY_DENIED" : isShown ? "HARNESS_DENIED" : undefined;
  const applying = verdicts.filter(({ effect }) => effect === "allows" || effect === "limits");
  const approval = approvalOf(applying, asksByDefault(request, options) ? secret : undefined);
  return {
    secret: secret.secret,
    allowed: code === undefined,
    code,
    rule: (denying ?? allowing[0])?.rule,
    unlisted,
    approval,
    approvalRule: applying.find(({ rule }) => rule.approval === approval)?.rule,
    maxTtlMs: shortest(applying.map(({ rule }) => rule.maxTtlMs)),
    verdicts,
  };
}

/** The variables that the rule lists least of which would allow the use otherwise. */
function unlistedByRules(verdicts: readonly Verdict[], request: UseRequest): readonly string[] {
  const almost = verdicts.filter(({ because, field }) => because === "allow" && field === "env");
  const lacking = almost.map(({ rule }) => unlistedVariables(rule, request));
  return lacking.toSorted((one, other) => one.length - other.length)[0] ?? [];
}

/** Without rules there is none that could list a variable. */
function unlistedWithoutRules(request: UseRequest): readonly string[] {
  return setsListedVariablesOnly(request) ? plainVariables(request) : [];
}

/**
 * Whether a person is asked about sensitive secrets where no rule says so. Someone who prints a value, or runs a program that reads it, reads it with
 * their own key; a coding agent that is shown one is always asked about.
 */
function asksByDefault({ action, invocation }: UseRequest, { mayShow = false }: DecideOptions): boolean {
  if (action === "read") return false;
  return action !== "get" || mayShow || invocation.harness !== undefined;
}

/** Rules that surely apply override what the attributes of the secret ask for; one that may apply can only add to it. */
function approvalOf(applying: readonly Verdict[], secret: RequestedSecret | undefined): Approval {
  const stated = (verdicts: readonly Verdict[]) => strictest(verdicts.flatMap(({ rule }) => rule.approval ?? []));
  const sure = stated(applying.filter(({ field }) => field === undefined));
  const byDefault = secret === undefined || sensitivityOf(secret) === undefined ? "never" : "session";
  return strictest([sure ?? byDefault, stated(applying) ?? "never"])!;
}

/** Why a person is asked first where no rule says otherwise, as a clause; `undefined` where nobody is. */
export function sensitivityOf({ environment, access }: RequestedSecret): string | undefined {
  if (environment !== undefined && isProduction(environment)) return `its environment is ${environment}`;
  return access !== undefined && SENSITIVE_ACCESS.has(access) ? `its access is ${access}` : undefined;
}

/** Whether a coding agent asks for a value itself. */
function showsToAgent({ action, invocation }: UseRequest): boolean {
  return invocation.harness !== undefined && SHOWING.has(action);
}

/** Showing a value to a coding agent takes a rule that names the action. */
function namesAction({ allow }: Rule, action: string): boolean {
  return allow !== "all" && (allow?.actions ?? []).some(({ text }) => text === action);
}

function strictest(approvals: readonly Approval[]): Approval | undefined {
  return APPROVALS.findLast((approval) => approvals.includes(approval));
}

function shortest(durations: readonly (number | undefined)[]): number | undefined {
  const given = durations.filter((duration) => duration !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
