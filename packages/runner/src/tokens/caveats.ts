import { VaultError } from "@agent-vault/vault/read-only";
import { matchesCommand } from "../policy/matches-command.js";
import { matchesSegments } from "../policy/glob.js";
import { secretSegments, singleSegment, type PathSegments } from "../policy/path-segments.js";
import { repositoryName } from "../policy/repository.js";
import type { UseRequest } from "../policy/use-request.js";

/** A restriction that was read from its text. */
export interface Caveat {
  /** As it is signed: `secret = stripe/*`. */
  readonly text: string;
  /** Whether a use keeps to it; of time and number see below. */
  readonly allows: (use: UseRequest) => boolean;
  /** For `time-before`: from when on nothing is allowed any more. */
  readonly until?: Date;
  /** For `uses`: how many. */
  readonly uses?: number;
}

/** What a person restricts a token to; of several values for one thing, one has to match. */
export interface Restrictions {
  readonly secret?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly environment?: readonly string[] | undefined;
  readonly repo?: readonly string[] | undefined;
  readonly branch?: readonly string[] | undefined;
  readonly agent?: readonly string[] | undefined;
  readonly user?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  readonly uses?: number | undefined;
  readonly until?: Date | undefined;
}

/** How a kind of caveat reads a pattern, in the grammar of policies, and what of a use has to match it. */
interface CaveatKind {
  /** @returns `undefined` for what is no pattern */
  readonly read: (pattern: string) => PathSegments | undefined;
  readonly holds: (matches: (value: PathSegments | undefined) => boolean, use: UseRequest) => boolean;
}

/** Of several secrets each has to match; what is not known does not match. */
const KINDS: Readonly<Record<string, CaveatKind>> = {
  secret: { read: secretPattern, holds: (matches, { secrets }) => secrets.every(({ secret }) => matches(secretSegments(secret))) },
  group: { read: wordPattern, holds: (matches, { secrets }) => secrets.every(({ groups }) => groups.some((group) => matches([group]))) },
  environment: {
    read: wordPattern,
    holds: (matches, { secrets }) => secrets.every(({ environment }) => matches(singleSegment(environment))),
  },
  repo: {
    read: (pattern) => pathPattern(repositoryName(pattern)),
    holds: (matches, { invocation: { repository } }) =>
      matches(repository === undefined ? undefined : repositoryName(repository).split("/")),
  },
  branch: { read: pathPattern, holds: (matches, { invocation }) => matches(invocation.branch?.split("/")) },
  agent: {
    read: agentPattern,
    // The key proves it.
    holds: (matches, { principal }) => matches(principal.name === undefined ? undefined : [principal.role, principal.name]),
  },
  user: { read: wordPattern, holds: (matches, { invocation }) => matches(singleSegment(invocation.user)) },
  command: { read: commandPattern, holds: (matches, { command }) => matches(command) },
};

/** Between patterns of which one has to match. No name, branch or URL has spaces in it. */
const OR = " | ";
const MAX_CAVEAT_LENGTH = 1024;
const MAX_USES = 1_000_000_000;

/**
 * Reads a caveat: `KIND = PATTERN | PATTERN`, `time-before = 2026-11-22T10:00:00Z` or `uses = 5`.
 * @returns `undefined` for one that is unknown or malformed, and so allows nothing
 */
export function readCaveat(text: string): Caveat | undefined {
  const [, kind, value] = /^([a-z-]+) = (\S.*\S|\S)$/su.exec(text) ?? [];
  if (kind === undefined || value === undefined || text.length > MAX_CAVEAT_LENGTH) return undefined;
  if (kind === "time-before") {
    const until = readTime(value);
    return until && { text, until, allows: () => true };
  }
  if (kind === "uses") {
    const uses = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : Number.NaN;
    return uses <= MAX_USES ? { text, uses, allows: () => true } : undefined;
  }
  if (!Object.hasOwn(KINDS, kind)) return undefined;
  const { read, holds } = KINDS[kind]!;
  const patterns = value.split(OR).map(read);
  if (!patterns.every((pattern) => pattern !== undefined)) return undefined;
  const matches = kind === "command" ? matchesStrictly : matchesSegments;
  return { text, allows: (use) => holds((value) => value !== undefined && patterns.some((pattern) => matches(pattern, value)), use) };
}

/** The caveats that stand for some restrictions. @throws VaultError `INVALID_VALUE` for what could not be read again */
export function caveatsOf({ uses, until, ...patterns }: Restrictions): string[] {
  const caveats = Object.entries(patterns).flatMap(([kind, values]) => {
    if (!values || values.length === 0) return [];
    for (const value of values) if (value.includes(OR.trim())) throw unusable(`${kind} = ${value}`);
    return `${kind} = ${values.join(OR)}`;
  });
  if (uses !== undefined) caveats.push(`uses = ${uses}`);
  if (until !== undefined) caveats.push(`time-before = ${until.toISOString()}`);
  for (const caveat of caveats) if (!readCaveat(caveat)) throw unusable(caveat);
  return caveats;
}

function secretPattern(pattern: string): PathSegments | undefined {
  const segments = pathPattern(pattern);
  if (!segments || segments.length > 1 || pattern === "**") return segments;
  // Of which group it would be is not said.
  return pattern.includes("*") ? undefined : ["default", pattern];
}

/** A pattern over a name with slashes. It matches names without any only where it says more than `*`. */
function pathPattern(pattern: string): PathSegments | undefined {
  const segments = pattern.split("/");
  // A folder's path begins with a slash.
  const isPath = segments.every((part, index) =>
    part === "" ? index === 0 && segments.length > 1 : part === "**" || !part.includes("**"),
  );
  return isPath && pattern !== "*" ? segments : undefined;
}

/** A pattern over a name that is one part. */
function wordPattern(pattern: string): PathSegments | undefined {
  return pattern.includes("**") ? undefined : [pattern];
}

/** An agent's name, or an owner's behind `owner:`. */
function agentPattern(pattern: string): PathSegments | undefined {
  const owner = /^owner:(.+)$/.exec(pattern)?.[1];
  return wordPattern(owner ?? pattern) && (owner === undefined ? ["agent", pattern] : ["owner", owner]);
}

function commandPattern(pattern: string): PathSegments | undefined {
  const segments = pattern.split(/ +/);
  return segments.some((part) => part !== "**" && part.includes("**")) ? undefined : segments;
}

const matchesStrictly = (pattern: PathSegments, command: PathSegments) => matchesCommand(pattern, command, "strict");

/** RFC 3339. JavaScript would take the 30th of February for the 2nd of March. */
function readTime(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const time = new Date(text);
  const isDay = new Date(text.slice(0, 10)).toJSON()?.startsWith(text.slice(0, 10));
  return isDay && !Number.isNaN(time.getTime()) ? time : undefined;
}

function unusable(caveat: string): VaultError {
  return new VaultError("INVALID_VALUE", `${JSON.stringify(caveat)} is not a restriction that a token can have.`, {
    remedy: `A value has up to ${MAX_CAVEAT_LENGTH} characters, without a | and without spaces at its ends, and ** is alone between slashes; --uses is a number from 1.`,
  });
}
