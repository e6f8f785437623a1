import { VaultError } from "@agent-vault/vault/read-only";
import { readYamlFile } from "@agent-vault/vault/yaml";
import { ConfigField } from "./config-field.js";
import type { PathSegments } from "./path-segments.js";
import {
  APPROVAL_CHANNELS,
  APPROVALS,
  CONDITION_FIELDS,
  type ConditionField,
  type Conditions,
  type Pattern,
  type Policy,
  type PolicyVersion,
  type Rule,
} from "./policy.js";
import { repositoryName } from "./repository.js";

/** The actions that a rule can name. */
export const ACTIONS = ["run", "inject", "get", "read"] as const;
const MAX_PATTERN_LENGTH = 512;
/** The latest version of the file that is known here. */
const MAX_VERSION = 2;

/**
 * Reads a policy. All that is not understood is an error: a rule that is left out could be the one that denies.
 * @param file names the file in errors
 * @throws VaultError `INVALID_POLICY` with file, line and column; `TOO_NEW` for a later version than this one knows
 */
export function parsePolicy(bytes: Uint8Array, file: string): Policy {
  const yaml = readFile(bytes, file);
  const value: unknown = yaml.document.toJS();
  if (isNewer(value)) {
    throw new VaultError("TOO_NEW", `${file} was written by a newer agent-vault, which this one cannot read.`, {
      remedy: "Update agent-vault (agent-vault --version shows the version you have). Nothing is allowed until then.",
    });
  }
  const root = new ConfigField(value, (path, of, problem, hint) => {
    const place = of === "name" ? yaml.placeOfName(path) : yaml.placeOf(path);
    const name = path.length === 0 ? "a policy" : path.map((part) => (typeof part === "number" ? part + 1 : part)).join(".");
    return new VaultError("INVALID_POLICY", `${place}: ${name} ${problem}.`, {
      remedy: `${hint}Nothing is allowed until it is fixed.`,
    });
  });
  const { version, approval_channels: channels, rules } = root.table(["version", "approval_channels", "rules"]);
  const number = version?.value;
  if (number !== 1 && number !== 2)
    throw (version ?? root).error("has to begin with version: 1 or version: 2, which is what this agent-vault reads");
  if (!rules && number === 1) throw root.error("has no rules", "For a policy that denies everything, write rules: []. ");
  return {
    file,
    version: number,
    approvalChannels: channels?.texts().map((channel) => channel.oneOf(APPROVAL_CHANNELS)),
    hasRules: rules !== undefined,
    rules: rules?.list().map((rule, index) => parseRule(rule, number, index, yaml.lineOf(["rules", index]))) ?? [],
  };
}

function isNewer(policy: unknown): boolean {
  const version = typeof policy === "object" && policy !== null && "version" in policy ? policy.version : undefined;
  return Number.isSafeInteger(version) && Number(version) > MAX_VERSION;
}

/** A policy that cannot be read is a denial like any other, and no damage of the vault. */
function readFile(bytes: Uint8Array, file: string): ReturnType<typeof readYamlFile> {
  try {
    return readYamlFile(bytes, file);
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== "INVALID_YAML") throw error;
    throw new VaultError("INVALID_POLICY", error.message, {
      remedy: `${error.remedy} Put a pattern that begins with * in quotes: "**".`,
      cause: error,
    });
  }
}

function parseRule(field: ConfigField, version: PolicyVersion, index: number, line: number): Rule {
  const fields = field.table(["name", "secrets", "when", "allow", "env", "deny", "approval", "max_ttl"]);
  if (!fields.secrets) throw field.error("does not say which secrets it is about", "Add secrets: GROUP/NAME, or ** for all. ");
  const rule: Rule = {
    version,
    name: fields.name?.text(),
    position: index + 1,
    line,
    secrets: fields.secrets.texts().map(secretPattern),
    when: fields.when && parseConditions(fields.when),
    allow: allowOf(fields.allow, fields.env),
    deny: fields.deny && allOrConditions(fields.deny),
    approval: fields.approval?.oneOf(APPROVALS),
    maxTtlMs: fields.max_ttl?.duration(),
  };
  if (!(rule.allow || rule.deny || rule.approval || rule.maxTtlMs))
    throw field.error("says nothing", "Add allow, deny, approval or max_ttl; allow: all sets no conditions. ");
  return rule;
}

/** What a rule allows. Its `env` is a condition like the others, and may be written beside `allow: all` as well. */
function allowOf(allow: ConfigField | undefined, env: ConfigField | undefined): Rule["allow"] {
  const conditions = allow && allOrConditions(allow);
  if (!env) return conditions;
  if (!conditions) throw env.error("is in a rule that allows nothing", "Write it under allow. ");
  if (conditions === "all") return { env: env.texts().map(envPattern) };
  if (conditions.env) throw env.error("is there twice", "Write it under allow alone. ");
  return { ...conditions, env: env.texts().map(envPattern) };
}

function allOrConditions(field: ConfigField): Conditions | "all" {
  return field.value === "all" ? "all" : parseConditions(field);
}

function parseConditions(field: ConfigField): Conditions {
  if (typeof field.value === "string") throw field.error("is neither all nor a mapping of conditions");
  const fields = field.table(CONDITION_FIELDS);
  const given = CONDITION_FIELDS.filter((name) => fields[name]);
  if (given.length === 0) throw field.error("has no conditions", "Where there are to be none, write all. ");
  return Object.fromEntries(given.map((name) => [name, fields[name]!.texts().map((text) => PATTERNS[name](text))]));
}

const PATTERNS: Readonly<Record<ConditionField, (field: ConfigField) => Pattern>> = {
  agents: (field) => {
    const text = wordOf(field);
    const owner = /^owner:(.+)$/.exec(text)?.[1];
    return { text, segments: owner === undefined ? ["agent", text] : ["owner", owner] };
  },
  users: wordPattern,
  repositories: (field) => {
    const text = pathOf(field);
    return { text, segments: segmentsOf(field, repositoryName(text)) };
  },
  branches: (field) => {
    const text = pathOf(field);
    return { text, segments: fullSegmentsOf(field, text) };
  },
  environments: wordPattern,
  services: wordPattern,
  harnesses: wordPattern,
  commands: commandPattern,
  actions: (field) => ({ text: field.oneOf(ACTIONS), segments: [field.oneOf(ACTIONS)] }),
  env: envPattern,
};

function secretPattern(field: ConfigField): Pattern {
  const text = pathOf(field);
  const segments = fullSegmentsOf(field, text);
  if (segments.length > 1 || text === "**") return { text, segments };
  if (text.includes("*")) throw field.error("leaves its group open", `Write default/${text} or **/${text}. `);
  return { text, segments: ["default", text] };
}

function wordPattern(field: ConfigField): Pattern {
  const text = wordOf(field);
  return { text, segments: [text] };
}

function envPattern(field: ConfigField): Pattern {
  const pattern = wordPattern(field);
  if (!/^[A-Za-z0-9_*]+$/.test(pattern.text))
    throw field.error("is not the name of a variable", "Write names alone, such as NODE_ENV or APP_*; their values are not looked at. ");
  return pattern;
}

function commandPattern(field: ConfigField): Pattern {
  const text = field.text();
  requireShort(field, text);
  if (/["'`\\]/.test(text))
    throw field.error("has a quote or a backslash", "A pattern has arguments with spaces between them; * matches a space, too. ");
  const segments = text.trim().split(/\s+/);
  if (segments.some((part) => /^(?:[|&;<>]+|[0-9]?>.*)$/.test(part)))
    throw field.error("is a line for a shell", "Commands are run without a shell; write a rule for the program. ");
  if (segments.some((part) => part !== "**" && part.includes("**")))
    throw field.error("has ** inside an argument", "It matches whole arguments; inside one write *. ");
  return { text, segments };
}

/** A pattern over a name that is one segment, where `*` matches anything. */
function wordOf(field: ConfigField): string {
  const text = field.text();
  requirePlain(field, text);
  if (text.includes("**")) throw field.error("has **", "Use *, which matches anything here. ");
  return text;
}

/** A pattern over a name with slashes. */
function pathOf(field: ConfigField): string {
  const text = field.text();
  requirePlain(field, text);
  if (text === "*") throw field.error("matches only names without a slash", "For any name, write **. ");
  return text;
}

function fullSegmentsOf(field: ConfigField, text: string): PathSegments {
  const segments = segmentsOf(field, text);
  if (segments.includes(""))
    throw field.error("has nothing before, between or after its slashes", "For all that lies below a name, write NAME/**. ");
  return segments;
}

function segmentsOf(field: ConfigField, text: string): PathSegments {
  const segments = text.split("/");
  if (segments.some((part) => part !== "**" && part.includes("**")))
    throw field.error("has ** beside other characters", "It has to be alone between slashes, as in release/**. ");
  return segments;
}

/** Syntax of other pattern languages would match nothing here, and so deny nothing. */
function requirePlain(field: ConfigField, text: string): void {
  requireShort(field, text);
  const special = /[?[\]{}!\\\s]/.exec(text)?.[0];
  if (special !== undefined)
    throw field.error(
      `has ${JSON.stringify(special)}, which patterns do not know`,
      "They know * and **; where there are several, write a list. ",
    );
}

function requireShort(field: ConfigField, text: string): void {
  if (text.length > MAX_PATTERN_LENGTH) throw field.error(`is longer than ${MAX_PATTERN_LENGTH} characters`);
}
