import type { CommandEntry, FlagEntry } from "./command-index.js";

/** The words of a command line after the program's name, up to the cursor. */
export interface CommandLine {
  readonly before: readonly string[];
  /** The word at the cursor, as far as it is typed. */
  readonly current: string;
}

/** What is to be completed at the cursor. */
export type CursorPlace =
  | { readonly at: "command"; readonly topic: string | undefined }
  | { readonly at: "flag"; readonly command: CommandEntry; readonly used: ReadonlySet<string> }
  /** `prefix` is the part of the word before the value, as `--group=`. */
  | { readonly at: "value"; readonly flag: FlagEntry; readonly prefix: string }
  | { readonly at: "argument"; readonly command: CommandEntry; readonly argument: string }
  | { readonly at: "nothing" };

/** Where the cursor is, and the vault that the names come from. */
export interface Cursor {
  /** The folders given with -C, each relative to the one before. */
  readonly directories: readonly string[];
  readonly place: CursorPlace;
}

/** Before the command, as in git, -C is the one flag that takes a value. */
const DIRECTORY: FlagEntry = { name: "directory", type: "option", char: "C", helpValue: "DIR" };

/** Finds what is at the cursor, by the rules of oclif's parser: flags and arguments mix, and after `--` there are only arguments. */
export function findCursor({ before, current }: CommandLine, commands: ReadonlyMap<string, CommandEntry>): Cursor {
  let globals = 0;
  while (before[globals] === "-C") globals += 2;
  const directories = before.slice(0, globals).filter((_, index) => index % 2 === 1);
  if (globals > before.length) return { directories, place: { at: "value", flag: DIRECTORY, prefix: "" } };

  const [first, second] = before.slice(globals);
  if (first === undefined) return { directories, place: { at: "command", topic: undefined } };
  const id = [`${first} ${second}`, first].find((words) => commands.has(words));
  if (id !== undefined) {
    const typed = readTyped(commands.get(id)!, before.slice(globals + id.split(" ").length));
    const last = typed.flags.get("directory");
    return {
      directories: last === undefined ? directories : [...directories, last],
      place: findInCommand(commands.get(id)!, typed, current),
    };
  }
  const isTopic = second === undefined && [...commands.keys()].some((words) => words.startsWith(`${first} `));
  return { directories, place: isTopic ? { at: "command", topic: first } : { at: "nothing" } };
}

/** What the words of a command before the cursor are. */
interface Typed {
  /** Flags with their values, an empty one for a boolean. */
  readonly flags: Map<string, string>;
  /** How many arguments there are. */
  args: number;
  /** The flag whose value comes next. */
  waiting: FlagEntry | undefined;
  /** Whether there was a `--`. */
  flagsEnded: boolean;
}

function readTyped(command: CommandEntry, words: readonly string[]): Typed {
  const typed: Typed = { flags: new Map(), args: 0, waiting: undefined, flagsEnded: false };
  for (const word of words) {
    if (typed.waiting) {
      typed.flags.set(typed.waiting.name, word);
      typed.waiting = undefined;
    } else if (typed.flagsEnded || word === "-" || !word.startsWith("-")) {
      typed.args++;
    } else if (word === "--") {
      typed.flagsEnded = true;
    } else {
      const { flag, value } = findFlag(command, word) ?? {};
      if (!flag) continue;
      typed.flags.set(flag.name, value ?? "");
      if (flag.type === "option" && value === undefined) typed.waiting = flag;
    }
  }
  return typed;
}

function findInCommand(command: CommandEntry, { flags, args, waiting, flagsEnded }: Typed, current: string): CursorPlace {
  if (waiting) return { at: "value", flag: waiting, prefix: "" };
  const used = new Set(flags.keys());
  if (!flagsEnded && current.startsWith("-")) {
    const { flag, value } = findFlag(command, current) ?? {};
    if (!current.startsWith("--") || value === undefined) return { at: "flag", command, used };
    return flag?.type === "option" ? { at: "value", flag, prefix: current.slice(0, current.indexOf("=") + 1) } : { at: "nothing" };
  }
  const names = Object.keys(command.args);
  const argument = names[args] ?? (command.strict ? undefined : names.at(-1));
  if (argument !== undefined) return { at: "argument", command, argument };
  return flagsEnded || current !== "" ? { at: "nothing" } : { at: "flag", command, used };
}

/** Reads `--name`, `--name=value`, `-c`, `-cvalue` and `-c=value`. */
function findFlag(command: CommandEntry, word: string): { flag: FlagEntry; value: string | undefined } | undefined {
  const isLong = word.startsWith("--");
  const [, name, value] = (isLong ? /^--([^=]*)(?:=([^]*))?$/ : /^-([^]?)(?:=?([^]+))?$/u).exec(word)!;
  const flag = Object.values(command.flags).find((one) => (isLong ? name === one.name || one.aliases?.includes(name!) : name === one.char));
  return flag && { flag, value };
}
