import { readFileSync } from "node:fs";
import process from "node:process";
import { Flags } from "@oclif/core";
import {
  caveatsOf,
  parseEnvFile,
  parseInjectArgument,
  parseSecretArgument,
  personalApprover,
  readCaveat,
  readProfile,
  type Profile,
  type RunRequest,
  type UseRequest,
} from "@agent-vault/runner";
import { isSystemError, parseDuration, resolvePath, VaultError, type Context } from "@agent-vault/vault";
import { keyChoice } from "./key-choice.js";
import { keyFlag, noPullFlag, tokenFlag } from "./vault-command.js";

/** What `run` and `profile exec` have in common. */
export const runFlags = {
  key: keyFlag,
  token: tokenFlag,
  "no-pull": noPullFlag,
  secret: Flags.string({
    description: "a secret, and the variable that it goes to",
    helpValue: "PATH[=NAME]",
    multiple: true,
    multipleNonGreedy: true,
  }),
  inject: Flags.string({ description: "the same the other way round", helpValue: "NAME=PATH", multiple: true, multipleNonGreedy: true }),
  group: Flags.string({ description: "all secrets of a group, each in the variable of its name", multiple: true, multipleNonGreedy: true }),
  "env-file": Flags.string({
    description: "a file of variables, with vault://group/name where secrets go",
    helpValue: "FILE",
    multiple: true,
    multipleNonGreedy: true,
  }),
  file: Flags.string({
    description: "a secret as a file in memory, whose path goes to a variable",
    helpValue: "NAME=PATH",
    multiple: true,
    multipleNonGreedy: true,
  }),
  shell: Flags.boolean({ description: "run the words as one line of your shell" }),
  cwd: Flags.string({ description: "run it in this folder", helpValue: "DIR" }),
  timeout: Flags.string({ description: "end it after this time, such as 30s or 10m", helpValue: "TIME" }),
  "clean-env": Flags.boolean({ description: "pass on a short list of variables beside the secrets" }),
  tty: Flags.boolean({ description: "hand over your terminal as it is: nothing is scrubbed" }),
  "allow-short": Flags.boolean({ description: "take values under 8 bytes too, which are scrubbed as they are and in no encoding" }),
  reason: Flags.string({ description: "what it is for: shown to who is asked, and recorded", helpValue: "TEXT" }),
  service: Flags.string({ description: "the service that this is, for the policy", helpValue: "NAME" }),
};

interface RunFlags {
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly "no-pull": boolean;
  readonly secret?: readonly string[] | undefined;
  readonly inject?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly "env-file"?: readonly string[] | undefined;
  readonly file?: readonly string[] | undefined;
  readonly shell: boolean;
  readonly cwd?: string | undefined;
  readonly timeout?: string | undefined;
  readonly "clean-env": boolean;
  readonly tty: boolean;
  readonly "allow-short": boolean;
  readonly reason?: string | undefined;
  readonly service?: string | undefined;
}

/**
 * oclif would sort the words of the command and drop repeated ones, so they are taken before it sees them.
 * @returns the words for oclif, and those of the command, which comes after `--`
 */
export function splitCommand(argv: readonly string[]): { own: string[]; command: string[] } {
  const separator = argv.indexOf("--");
  if (separator < 0) return { own: [...argv], command: [] };
  return { own: argv.slice(0, separator), command: argv.slice(separator + 1) };
}

/** What the words ask for. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE`, `INVALID_REFERENCE`, `INVALID_VALUE`, `FILE_NOT_FOUND`, those of profiles */
export async function runRequest(
  context: Context,
  root: string,
  command: readonly string[],
  flags: RunFlags,
  profileName: string | undefined,
): Promise<RunRequest> {
  if (command.length === 0) {
    throw new VaultError("USAGE", "There is no command to run.", {
      remedy: "It comes after --, as in: agent-vault run --secret db/url -- npm test.",
    });
  }
  const profile = profileName === undefined ? undefined : await readProfile(context, profileName);
  const files = (flags["env-file"] ?? []).flatMap((file) => parseEnvFile(readText(context, file), file));
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
    shell: flags.shell,
    cwd: flags.cwd === undefined ? context.cwd : resolvePath(context, flags.cwd),
    clean: flags["clean-env"],
    tty: flags.tty,
    timeout: flags.timeout === undefined ? undefined : parseDuration(flags.timeout),
    allowShort: flags["allow-short"],
    approver: personalApprover(context),
    ...(profile && { restrict: restrictedTo(profile) }),
    output: { stdout: process.stdout, stderr: process.stderr },
  };
}

/** Holds a use to the caveats of a profile, as a token that is made of it would. */
function restrictedTo({ name, caveats }: Profile): (use: UseRequest) => void {
  const restrictions = caveatsOf({ ...caveats, uses: undefined }).map((text) => readCaveat(text)!);
  return (use) => {
    const broken = restrictions.find((caveat) => !caveat.allows(use));
    if (!broken) return;
    throw new VaultError("POLICY_DENIED", `The profile ${name} does not allow this: it is for ${broken.text} only.`, {
      remedy: "agent-vault profile show shows all that it is restricted to.",
    });
  };
}

function readText(context: Context, file: string): string {
  try {
    return readFileSync(resolvePath(context, file), "utf8");
  } catch (cause) {
    const why = isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read";
    throw new VaultError("FILE_NOT_FOUND", `${file} ${why}.`, { remedy: "Check the path given with --env-file.", cause });
  }
}
