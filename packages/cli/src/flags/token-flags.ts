import { Flags } from "@oclif/core";
import type { Restrictions } from "@agent-vault/runner";
import { readCaveat } from "@agent-vault/runner";
import { parseDuration, presentedToken, VaultError, type Context } from "@agent-vault/vault";
import { readStandardInput } from "../terminal/standard-input.js";
import { argument } from "./common-flags.js";

/** No token is longer. */
const MAX_TOKEN_BYTES = 65_536;

const restriction = (description: string, helpValue: string) =>
  Flags.string({ description, helpValue, multiple: true, multipleNonGreedy: true });

/** How long a token, lease or session is valid. */
export const ttlFlag = Flags.string({ description: "how long it is valid, such as 15m, 8h or 7d", helpValue: "TIME" });

/** The flags that restrict a token. */
export const restrictionFlags = {
  secret: restriction("only for matching secrets, such as stripe/*; may be given several times", "PATTERN"),
  group: restriction("only for secrets of this group", "NAME"),
  environment: restriction("only for secrets of this environment", "NAME"),
  repo: restriction("only in this repository, such as github.com/acme/shop", "PATTERN"),
  branch: restriction("only on this branch", "PATTERN"),
  agent: restriction("only with the key of this agent", "NAME"),
  user: restriction("only as this system user", "NAME"),
  command: restriction("only to run this command; a final ** allows any further arguments", "PATTERN"),
  uses: Flags.integer({ description: "for at most N uses", min: 1, helpValue: "N" }),
  ttl: ttlFlag,
};

type RestrictionFlags = Omit<Restrictions, "until"> & { readonly ttl?: string | undefined };

/** The restrictions that the flags describe, without the time. */
export function restrictionsOf(flags: RestrictionFlags): Omit<Restrictions, "until"> {
  const { secret, group, environment, repo, branch, agent, user, command, uses } = flags;
  return { secret, group, environment, repo, branch, agent, user, command, uses };
}

/** The time of `--ttl`. @returns milliseconds @throws VaultError `INVALID_VALUE` */
export function ttlOf({ ttl }: { readonly ttl?: string | undefined }): number | undefined {
  return ttl === undefined ? undefined : parseDuration(ttl);
}

/** The token that a command is about. */
export const tokenArgument = argument({ description: "the token, or - for standard input (default: AGENT_VAULT_TOKEN)" });

/** Reads the token that a command is about. @throws VaultError `USAGE` without one */
export async function readToken(context: Context, given: string | undefined): Promise<string> {
  if (given === "-") return new TextDecoder().decode(await readStandardInput(false, MAX_TOKEN_BYTES));
  const token = presentedToken(context, given);
  if (token !== undefined) return token;
  throw new VaultError("USAGE", "No token is given.", {
    remedy: "Name one, use - to read it from standard input, or set AGENT_VAULT_TOKEN.",
  });
}

/** The restrictions of a token, a line each. */
export function* formatCaveats(caveats: readonly string[]): Generator<string> {
  for (const caveat of caveats) yield `  ${caveat}${readCaveat(caveat) ? "" : "  (unknown, so the token allows nothing)"}`;
}
