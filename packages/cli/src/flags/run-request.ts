import process from "node:process";
import type { Profile } from "@agent-vault/runner";
import {
  parseInjectArgument,
  parseSecretArgument,
  personalApprover,
  type EnvEntry,
  type RunRequest,
  type UseRequest,
} from "@agent-vault/runner/use";
import { parseDuration, resolvePath, VaultError, type Context } from "@agent-vault/vault/read-only";
import type { FlagValues } from "./flag-definition.js";
import type { EXEC_FLAGS } from "./run-flags.js";
import { readGivenFile } from "./read-input-file.js";
import { keyChoice } from "./key-choice.js";

/** The flags of `run` and `profile exec` with their values. */
export type RunFlags = FlagValues<typeof EXEC_FLAGS>;

/**
 * oclif would sort the words of the command and drop repeated ones, so they are taken before it sees them.
 * @returns the words for oclif, and those of the command, which comes after `--`
 * @throws VaultError `USAGE` where there are none
 */
export function splitCommand(argv: readonly string[]): { own: string[]; command: string[] } {
  const separator = argv.indexOf("--");
  const command = separator < 0 ? [] : argv.slice(separator + 1);
  if (command.length > 0) return { own: argv.slice(0, separator), command };
  throw new VaultError("USAGE", "There is no command to run.", {
    remedy: "It comes after --, as in: agent-vault run --secret db/url -- npm test.",
  });
}

/** What the words ask for. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE`, `INVALID_REFERENCE`, `INVALID_VALUE`, `FILE_NOT_FOUND`, those of profiles */
export async function runRequest(
  context: Context,
  root: string,
  command: readonly string[],
  flags: RunFlags,
  profileName: string | undefined,
): Promise<RunRequest> {
  const profile = profileName === undefined ? undefined : await (await import("@agent-vault/runner")).readProfile(context, profileName);
  const files = await envEntries(context, flags["env-file"] ?? []);
  return {
    root,
    key: keyChoice(flags.key),
    pull: !flags["no-pull"],
    token: flags.token,
    reason: flags.reason,
    service: flags.service,
    variables: [
      ...(flags.secret ?? []).map(parseSecretArgument),
      ...(flags.inject ?? []).map(parseInjectArgument),
      ...(profile?.secrets ?? []),
    ],
    files: (flags.file ?? []).map(parseInjectArgument),
    groups: flags.group ?? [],
    env: [...files, ...(profile?.env ?? [])],
    command,
    shell: flags.shell ?? false,
    cwd: flags.cwd === undefined ? context.cwd : resolvePath(context, flags.cwd),
    clean: flags["clean-env"] ?? false,
    tty: flags.tty ?? false,
    timeout: flags.timeout === undefined ? undefined : parseDuration(flags.timeout),
    allowShort: flags["allow-short"],
    approver: personalApprover(context),
    ...(profile && { restrict: await restrictedTo(profile) }),
    output: { stdout: process.stdout, stderr: process.stderr },
  };
}

/** Holds a use to the caveats of a profile, as a token that is made of it would. */
async function restrictedTo({ name, caveats }: Profile): Promise<(use: UseRequest) => void> {
  const { caveatsOf, readCaveat } = await import("@agent-vault/runner");
  const restrictions = caveatsOf({ ...caveats, uses: undefined }).map((text) => readCaveat(text)!);
  return (use) => {
    const broken = restrictions.find((caveat) => !caveat.allows(use));
    if (!broken) return;
    throw new VaultError("POLICY_DENIED", `The profile ${name} does not allow this: it is for ${broken.text} only.`, {
      remedy: "agent-vault profile show shows all that it is restricted to.",
    });
  };
}

async function envEntries(context: Context, files: readonly string[]): Promise<EnvEntry[]> {
  if (files.length === 0) return [];
  const { parseEnvFile } = await import("@agent-vault/runner");
  return files.flatMap((file) => parseEnvFile(readGivenFile(context, file, "with --env-file").toString("utf8"), file));
}
