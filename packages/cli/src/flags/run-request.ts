import process from "node:process";
import { isatty } from "node:tty";
import type { Profile } from "@agent-vault/runner";
import {
  isInBackground,
  parseInjectArgument,
  parseSecretArgument,
  personalApprover,
  type EnvEntry,
  type RunRequest,
  type UseRequest,
  type VariableNaming,
} from "@agent-vault/runner/use";
import { parseDuration, resolvePath, VaultError, type Context, type KeyChoice } from "@agent-vault/vault/read-only";
import type { FlagValues } from "./flag-definition.js";
import type { EXEC_FLAGS } from "./run-flags.js";
import { readInputFile } from "./read-input-file.js";
import { keyChoice } from "./key-choice.js";

/** The flags of `run` and `profile exec` with their values. */
export type RunFlags = FlagValues<typeof EXEC_FLAGS>;

/**
 * Separates the command to run from the flags, since oclif would reorder its arguments and drop repeated ones.
 * @returns the flags, and the command, which comes after `--`
 * @throws VaultError `USAGE` without a command
 */
export function splitCommand(argv: readonly string[]): { own: string[]; command: string[] } {
  const separator = argv.indexOf("--");
  const command = separator < 0 ? [] : argv.slice(separator + 1);
  if (command.length > 0) return { own: argv.slice(0, separator), command };
  throw new VaultError("USAGE", "There is no command to run.", {
    remedy: "Put it after --, as in agent-vault run --secret db/url -- npm test.",
  });
}

/** The request that a command line makes. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE`, `INVALID_REFERENCE`, `INVALID_VALUE`, `FILE_NOT_FOUND`, those of profiles */
export async function runRequest(
  context: Context,
  root: string,
  command: readonly string[],
  flags: RunFlags,
  profileName: string | undefined,
): Promise<RunRequest> {
  const profile = profileName === undefined ? undefined : await (await import("@agent-vault/runner")).readProfile(context, profileName);
  const names = namingOf(flags);
  const files = await envEntries(context, flags["env-file"] ?? []);
  return {
    root,
    key: keyOrAgent(flags),
    pull: !flags["no-pull"],
    token: flags.token,
    reason: flags.reason,
    service: flags.service,
    variables: [
      ...(flags.secret ?? []).map((text) => parseSecretArgument(text, names)),
      ...(flags.inject ?? []).map(parseInjectArgument),
      ...(profile?.secrets ?? []),
    ],
    files: (flags.file ?? []).map(parseInjectArgument),
    names,
    groups: flags.group ?? [],
    env: [...files, ...(profile?.env ?? [])],
    command,
    shell: flags.shell ?? false,
    cwd: flags.cwd === undefined ? context.cwd : resolvePath(context, flags.cwd),
    clean: flags["clean-env"] ?? false,
    tty: flags.tty ?? false,
    terminal: terminalOf(flags),
    timeoutMs: flags.timeout === undefined ? undefined : parseDuration(flags.timeout),
    allowShort: flags["allow-short"],
    approver: personalApprover(context),
    ...(profile && { restrict: await restrictedTo(profile) }),
    output: { stdout: process.stdout, stderr: process.stderr },
  };
}

/** @throws VaultError `USAGE` */
function namingOf({ names }: RunFlags): VariableNaming {
  if (names === undefined || names === "last") return names ?? "path";
  throw new VaultError("USAGE", `--names ${JSON.stringify(names)} is no way to name variables.`, {
    remedy: "Use --names last, or leave it out.",
  });
}

/** The terminal on which all three streams are: there the command gets one of its own. @throws VaultError `USAGE` */
function terminalOf({ tty, "no-tty": noTty }: RunFlags): RunRequest["terminal"] {
  if (tty && noTty) throw new VaultError("USAGE", "--tty and --no-tty exclude each other.", { remedy: "Give one of them." });
  const { stdin, stdout, stderr } = process;
  const isWanted = !tty && !noTty && [0, 1, 2].every((descriptor) => isatty(descriptor)) && !isInBackground();
  return isWanted && stdin.isTTY && stdout.isTTY && stderr.isTTY ? { input: stdin, output: stdout } : undefined;
}

/** The choice of key that `--key` or `--agent` makes. @throws VaultError `USAGE` where both are given */
export function keyOrAgent({ key, agent }: Pick<RunFlags, "key" | "agent">): KeyChoice {
  if (agent === undefined) return keyChoice(key);
  if (key === undefined) return { agent };
  throw new VaultError("USAGE", "--key and --agent both say which key to use.", { remedy: "Give one of them." });
}

/** Limits a use to the caveats of a profile, as a token made from it would. */
async function restrictedTo({ name, caveats }: Profile): Promise<(use: UseRequest) => void> {
  const { caveatsOf, readCaveat } = await import("@agent-vault/runner");
  const restrictions = caveatsOf({ ...caveats, uses: undefined }).map((text) => readCaveat(text)!);
  return (use) => {
    const broken = restrictions.find((caveat) => !caveat.allows(use));
    if (!broken) return;
    throw new VaultError("POLICY_DENIED", `The profile ${name} does not allow this: it is restricted to ${broken.text}.`, {
      remedy: `See its restrictions with agent-vault profile show ${name}.`,
    });
  };
}

async function envEntries(context: Context, files: readonly string[]): Promise<EnvEntry[]> {
  if (files.length === 0) return [];
  const { parseEnvFile } = await import("@agent-vault/runner");
  return files.flatMap((file) => parseEnvFile(readInputFile(context, file, "with --env-file").toString("utf8"), file));
}
