import { FLAG_VALUES, type CompletionKind } from "./completion-kind.js";
import type { CommandEntry, FlagEntry } from "./command-index.js";
import { findCursor, type CommandLine, type CursorPlace } from "./cursor.js";
import { SHELLS } from "./shells.js";
import { VaultNames, type Candidate } from "./vault-names.js";

/** What fits at the cursor: words, or the files or folders that the shell itself completes. */
export type Candidates = readonly Candidate[] | "files" | "folders";

const DIRECTORY_FLAG: Candidate = { word: "-C", description: "run as if started in DIR" };
const HELP_FLAG: Candidate = { word: "--help", description: "show help" };
const VERSION_FLAG: Candidate = { word: "--version", description: "show the version" };

/** What could be typed at the cursor of a command line. @throws what reading the vault throws */
export async function findCandidates(line: CommandLine, commands: ReadonlyMap<string, CommandEntry>): Promise<Candidates> {
  const { directories, place } = findCursor(line, commands);
  const found = await candidatesAt(place, line.current, commands, () => new VaultNames(directories));
  return typeof found === "string" ? found : found.filter(({ word }) => word.startsWith(line.current));
}

async function candidatesAt(
  place: CursorPlace,
  current: string,
  commands: ReadonlyMap<string, CommandEntry>,
  vault: () => VaultNames,
): Promise<Candidates> {
  switch (place.at) {
    case "command":
      return current.startsWith("-") && place.topic === undefined
        ? [DIRECTORY_FLAG, HELP_FLAG, VERSION_FLAG]
        : commandWords(commands, place.topic);
    case "flag":
      return flagWords(place.command, place.used);
    case "argument":
      return wordsOfKind(place.command.completes[place.argument], current, vault);
    case "value":
      return flagValues(place.flag, place.prefix, current.slice(place.prefix.length), vault);
    case "nothing":
      return [];
  }
}

/** The next word of every command, each once. A topic is one word, described by its commands. */
function commandWords(commands: ReadonlyMap<string, CommandEntry>, topic: string | undefined): Candidate[] {
  const words = new Map<string, string | undefined>();
  for (const [id, { summary, hidden }] of commands) {
    const [first, second] = id.split(" ");
    if (hidden || (topic !== undefined && first !== topic)) continue;
    const word = topic === undefined ? first! : second!;
    if (topic !== undefined || second === undefined) words.set(word, summary);
    else words.set(word, words.has(word) ? `${words.get(word)}, ${second}` : second);
  }
  return [...words].map(([word, description]) => ({ word, description }));
}

function flagWords(command: CommandEntry, used: ReadonlySet<string>): Candidate[] {
  const flags = Object.values(command.flags).filter(({ hidden, multiple, name }) => !hidden && (multiple || !used.has(name)));
  return [
    ...flags.flatMap(({ name, char, description }) =>
      [`--${name}`, ...(char === undefined ? [] : [`-${char}`])].map((word) => ({ word, description })),
    ),
    HELP_FLAG,
  ];
}

/** A flag's values, each with what precedes it in the word: the flag, and in a list the values that are already in it. */
async function flagValues(flag: FlagEntry, prefix: string, typed: string, vault: () => VaultNames): Promise<Candidates> {
  const listed = flag.delimiter === undefined ? "" : typed.slice(0, typed.lastIndexOf(flag.delimiter) + 1);
  const kind = FLAG_VALUES[flag.name] ?? FLAG_VALUES[flag.helpValue ?? ""];
  const found = flag.options ? toCandidates(flag.options) : await wordsOfKind(kind, typed.slice(listed.length), vault);
  if (typeof found === "string") return found;
  const taken = new Set(flag.delimiter === undefined ? [] : listed.split(flag.delimiter));
  return found.filter(({ word }) => !taken.has(word)).map(({ word, description }) => ({ word: prefix + listed + word, description }));
}

async function wordsOfKind(kind: CompletionKind | undefined, typed: string, vault: () => VaultNames): Promise<Candidates> {
  switch (kind) {
    case "files":
    case "folders":
      return kind;
    case "shells":
      return toCandidates(SHELLS);
    case undefined:
      return [];
    case "secrets":
      return vault().secrets(typed);
    default:
      return vault()[kind]();
  }
}

function toCandidates(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word }));
}
