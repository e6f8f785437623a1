import { suggestion, VaultError } from "@agent-vault/vault/read-only";
import { sameCommand } from "./unknown-command.js";

/** The command whose command line was parsed. */
export interface ParsedCommand {
  readonly id: string | undefined;
  /** The names of its flags. */
  readonly flags: readonly string[];
  /** Leave out what the parser quotes from the command line. */
  readonly argvMayHoldSecret: boolean;
}

/** An error of oclif's parser as one of ours; any other error as it is. */
export function usageError(error: unknown, command: ParsedCommand): unknown {
  if (error instanceof VaultError || !(error instanceof Error) || !("oclif" in error || error.constructor.name.endsWith("Error")))
    return error;
  const program = `agent-vault ${command.id ?? ""}`.trim();
  const help = `See ${program} --help.`;
  const usage = (message: string, remedy = help) =>
    new VaultError("USAGE", message, { remedy, cause: command.argvMayHoldSecret ? undefined : error });
  if ("args" in error && error.constructor.name === "RequiredArgsError") {
    const missing = (error.args as { name: string; description?: string }[]).map(
      ({ name, description }) => `${name.toUpperCase()} (${description})`,
    );
    return usage(`${program} needs ${missing.join(" and ")}.`);
  }
  if ("flags" in error && error.constructor.name === "NonExistentFlagsError") {
    const names = (error.flags as string[]).map((flag) => flag.replace(/=.*$/s, ""));
    const hint = `${hintFor(names[0]!, command.flags)}${help}`;
    if (!command.argvMayHoldSecret) return usage(`${program} has no flag ${names.join(" or ")}.`, hint);
    return usage(`${program} was called with an unknown flag.`, `Put a value that starts with - after --. ${hint}`);
  }
  if (command.argvMayHoldSecret && error.constructor.name === "UnexpectedArgsError")
    return usage(`${program} was called with too many arguments.`, `Quote a value with spaces. ${help}`);
  if ("args" in error && error.constructor.name === "UnexpectedArgsError") {
    const same = sameCommand(command.id ?? "", (error.args as string[])[0]);
    if (same !== undefined)
      return usage(`${program} does not take the argument ${(error.args as string[])[0]}.`, `Did you mean ${same}? ${help}`);
  }
  const reasons = error.message
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^See more help|^The following errors? occurred/.test(line));
  return usage(translate(reasons.join(" "), program));
}

/** `USAGE`: a command that does more than read was given a repository's URL in place of a folder. */
export function noUrlHere(id: string): VaultError {
  return new VaultError("USAGE", `agent-vault ${id} needs a clone of yours, and -C names a repository's URL.`, {
    remedy: "Clone the repository, and name its folder: git clone URL, then -C DIR.",
  });
}

/** What a flag that the command does not have may mean. */
function hintFor(flag: string, known: readonly string[]): string {
  if (flag === "--agent" && known.includes("key")) return "To act as an agent, name its key file: --key FILE. ";
  return suggestion(
    flag,
    known.map((name) => `--${name}`),
  );
}

/** oclif's sentences, and what takes their place. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^Unexpected arguments?: (.*)$/s, "$PROGRAM does not take the argument $1."],
  [/^Missing required flag (\S+)$/, "$PROGRAM needs --$1."],
  [/^Flag (--\S+) expects a value$/, "$1 needs a value."],
  [/^Flag (--\S+) expects one of these values: (.*)$/, "$1 needs one of these values: $2."],
  [/^Expected (--[^=]+)=(.*) to be one of: (.*)$/s, "$1 does not take $2. It takes one of these values: $3."],
  [/^Parsing (--\S+) Expected an integer but received: (.*)$/s, "$1 takes a whole number, not $2."],
  [/^Parsing (--\S+) Expected an integer greater than or equal to (\S+) but received: (.*)$/, "$1 takes a number from $2 on, not $3."],
  [/^Parsing (--\S+) Expected an integer less than or equal to (\S+) but received: (.*)$/, "$1 takes a number up to $2, not $3."],
  [/^(--[^=\s]+)(?:=.*)? cannot also be provided when using (--\S+).*$/s, "$1 and $2 cannot be used together."],
  [/^All of the following must be provided when using (--\S+): (.*)$/, "$1 needs $2."],
];

function translate(text: string, program: string): string {
  const sentence = SENTENCES.find(([pattern]) => pattern.test(text));
  if (!sentence) return /[.!?]$/.test(text) ? text : `${text}.`;
  return text.replace(...sentence).replace("$PROGRAM", () => program);
}
