import { Flags } from "@oclif/core";
import type { Restrictions } from "@agent-vault/runner";
import { readCaveat } from "@agent-vault/runner";
import { parseDuration, presentedToken, VaultError, type Context } from "@agent-vault/vault";
import { readStandardInput } from "../terminal/standard-input.js";
import { argument } from "./common-flags.js";

/** More than any token has characters. */
const MAX_INPUT = 65_536;

const restriction = (description: string, helpValue: string) =>
  Flags.string({ description, helpValue, multiple: true, multipleNonGreedy: true });

export const ttlFlag = Flags.string({ description: "how long it holds, such as 15m, 8h or 7d", helpValue: "TIME" });

/** What a token can be restricted to. */
export const restrictionFlags = {
  secret: restriction("only for secrets that fit, such as stripe/*; given again, another that may fit", "PATTERN"),
  group: restriction("only for secrets of this group", "NAME"),
  environment: restriction("only for secrets of this environment", "NAME"),
  repo: restriction("only in this repository, such as github.com/acme/shop", "PATTERN"),
  branch: restriction("only on this branch", "PATTERN"),
  agent: restriction("only with the key of this agent", "NAME"),
  user: restriction("only as this user of the system", "NAME"),
  command: restriction("only to run this command; ** at its end for any further words", "PATTERN"),
  uses: Flags.integer({ description: "for so many uses", min: 1, helpValue: "N" }),
  ttl: ttlFlag,
};

type RestrictionFlags = Omit<Restrictions, "until"> & { readonly ttl?: string | undefined };

/** The part of a command's flags that restricts a token, its time apart. */
export function restrictionsOf(flags: RestrictionFlags): Omit<Restrictions, "until"> {
  const { secret, group, environment, repo, branch, agent, user, command, uses } = flags;
  return { secret, group, environment, repo, branch, agent, user, command, uses };
}

export function ttlOf({ ttl }: { readonly ttl?: string | undefined }): number | undefined {
  return ttl === undefined ? undefined : parseDuration(ttl);
}

/** A token on the command line. */
export const tokenArgument = argument({ description: "the token; - reads it from standard input; AGENT_VAULT_TOKEN unless given" });

/** The token that a command is about. @throws VaultError `USAGE` where there is none */
export async function readToken(context: Context, given: string | undefined): Promise<string> {
  if (given === "-") return new TextDecoder().decode(await readStandardInput(false, MAX_INPUT));
  const token = presentedToken(context, given);
  if (token !== undefined) return token;
  throw new VaultError("USAGE", "There is no token.", {
    remedy: "Give one, or - to read it from standard input, or set AGENT_VAULT_TOKEN.",
  });
}

/** What a token is restricted to, a line each. */
export function* caveatsInWords(caveats: readonly string[]): Generator<string> {
  for (const caveat of caveats) yield `  ${caveat}${readCaveat(caveat) ? "" : "  (not understood, so it holds for nothing)"}`;
}
