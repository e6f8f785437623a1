import { nearestName, suggestion, VaultError } from "@agent-vault/vault/read-only";
import { commandIds, findCommand } from "../find-command.js";

/** Whether commands begin with this word, such as `token` in `token mint`. */
export function isTopic(name: string | undefined): boolean {
  return commandIds().some((id) => id.startsWith(`${name} `));
}

/** The error for words that are no command. */
export function unknownCommand(named: readonly string[]): VaultError {
  const [first = "", second] = named;
  if (first === "-C" || first === "--directory")
    return new VaultError("USAGE", `${first} needs a folder.`, { remedy: "Name one: -C DIR." });
  if (first.startsWith("-")) return unknownFlag(named);
  const name = findCommand(named) ? named.join(" ") : isTopic(first) && second !== undefined ? `${first} ${second}` : first;
  return new VaultError("USAGE", `There is no command ${name}.`, {
    remedy: `${meantCommand(first, second)}agent-vault --help lists all commands.`,
  });
}

/** Only global flags come before the command. */
function unknownFlag([flag, ...rest]: readonly string[]): VaultError {
  const later = rest.flatMap((_, index) => findCommand(rest.slice(index)) ?? [])[0];
  const name = flag!.replace(/=.*$/s, "");
  if (later === undefined)
    return new VaultError("USAGE", `There is no flag ${name}.`, {
      remedy: "agent-vault --help lists all commands, each with flags of its own.",
    });
  return new VaultError("USAGE", `The flag ${name} comes before the command.`, {
    remedy: `Put it after the command: agent-vault ${later} ${name}.`,
  });
}

/** What was meant: the same words in another order or number, a command of the topic, or what is spelled much like it. */
function meantCommand(first: string, second: string | undefined): string {
  const same = sameCommand(first, second);
  if (same !== undefined) return `Did you mean ${same}? `;
  const own = commandIds().filter((id) => id.startsWith(`${first} `));
  if (own.length === 0 || second === undefined) return suggestion(first, commandIds());
  const names = own.map((id) => id.slice(first.length + 1));
  const near = nearestName(second, names);
  return near === undefined ? `The commands of ${first} are ${names.join(", ")}. ` : `Did you mean ${first} ${near}? `;
}

/** The command of the same words, such as `list-agents` for `list agents`. */
export function sameCommand(first: string, second: string | undefined): string | undefined {
  const ids = commandIds();
  return spellings(first, second).find((spelling) => ids.includes(spelling));
}

/** `agents list` also as `list-agents`, `policies init` as `policy init`. */
function spellings(first: string, second: string | undefined): string[] {
  const both = (word: string) => [word, word.replace(/ies$/, "y"), word.replace(/s$/, ""), `${word}s`];
  if (second === undefined) return both(first);
  return both(first).flatMap((a) => both(second).flatMap((b) => [`${a} ${b}`, `${a}-${b}`, `${b}-${a}`, `${b} ${a}`]));
}
