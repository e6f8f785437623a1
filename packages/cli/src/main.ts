import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { homeOf, suggestion, VaultError } from "@agent-vault/vault/read-only";
import { ALIASES, COMMANDS } from "./commands.js";
import { fastGet } from "./fast-path/get.js";
import { reportError } from "./terminal/report-error.js";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

process.argv = withoutLauncher(process.argv);
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => reportError(error, process.argv.includes("--json")));

/**
 * The command line as it was typed. Node reads some of its options wherever they are in the command line, so the launchers in bin/ mark or frame the
 * words that they hand over. Started as `node agent-vault.js`, they are as they were typed.
 */
function withoutLauncher([node, program, how, ...words]: readonly string[]): string[] {
  const typed =
    how === ":marked"
      ? words.map((word) => word.slice(1))
      : how === ":framed"
        ? words.slice(1, -1)
        : how === undefined
          ? []
          : [how, ...words];
  return [node!, program!, ...typed];
}

/** Runs one command line. Help and versions go through oclif's configuration; a command itself is loaded and run without it, which halves the start. */
async function main(words: readonly string[]): Promise<number> {
  process.stdout.on("error", endWithoutOutput);
  process.stderr.on("error", () => {});
  const { globals, rest } = splitGlobals(words);
  const separator = rest.indexOf("--");
  const own = separator < 0 ? rest : rest.slice(0, separator);
  const id = findCommand(rest);
  if (id === undefined || own.includes("--help") || own.includes("-h")) return help(rest, id);
  const commandWords = [...globals, ...rest.slice(id.split(" ").length)];
  const code = await runFast(id, commandWords);
  if (code !== undefined) return code;
  giveOclifHome();
  const { default: Command } = await COMMANDS[id]!();
  return Command.execute.call(Command as never, commandWords, ROOT);
}

/** oclif fails where the system knows no home folder of this user. */
function giveOclifHome(): void {
  process.env["HOME"] ||= homeOf(process.env);
}

/** A reader that has seen enough ends us as it would end any program of the shell; a full disk is told. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code === "EPIPE") process.exit(141);
  const failure = new VaultError("FAILED", `Standard output could not be written (${error.code}).`, {
    remedy: "Free some space, or send it elsewhere.",
    cause: error,
  });
  process.exit(reportError(failure, false));
}

/** What starts without oclif: reading a secret, which agents call most, and completion, which a person waits for at every TAB. */
async function runFast(id: string, words: readonly string[]): Promise<number | undefined> {
  if (id === "get") return fastGet(words);
  if (id === "run") return (await import("./fast-path/run.js")).fastRun(words);
  if (id === "scan" && words.join(" ") === "--staged") return (await import("./findings/print-scan-findings.js")).fastStagedScan();
  if (id === "completions") return (await import("./completions/answer.js")).answerCompletions(words, ROOT);
  return undefined;
}

/** As in git, -C DIR may stand before the command, and what else is the same for all. */
function splitGlobals(words: readonly string[]): { globals: string[]; rest: string[] } {
  let count = 0;
  for (let word = words[0]; word !== undefined; word = words[count]) {
    if (word === "--json" || /^(?:-C.|--directory=)/s.test(word)) count += 1;
    else if ((word === "-C" || word === "--directory") && count + 1 < words.length) count += 2;
    else break;
  }
  const rest = words.slice(count);
  const topic = rest[0] === "help" ? 1 : 0;
  const name = ALIASES.get(rest[topic] ?? "");
  return { globals: words.slice(0, count), rest: name === undefined ? rest : rest.with(topic, name) };
}

function findCommand(words: readonly string[]): string | undefined {
  return [words.slice(0, 2).join(" "), words[0] ?? ""].find((id) => Object.hasOwn(COMMANDS, id));
}

/** Prints the help of a command, of a topic or of all, or the version. @throws VaultError `USAGE` for words that are none of these */
async function help(words: readonly string[], id: string | undefined): Promise<number> {
  const [first, ...others] = words;
  if (first === "--version" || first === "-v") return printOclifHelp(["--version"]);
  if (id !== undefined) return printOclifHelp([...id.split(" "), "--help"]);
  const named = (first === "help" ? others : words).filter((word) => word !== "--help" && word !== "-h");
  const known = findCommand(named)?.split(" ") ?? (isTopic(named[0]) && named.length === 1 ? named : []);
  if (named.length > known.length) throw unknownCommand(named);
  return printOclifHelp([...known, "--help"]);
}

async function printOclifHelp(words: string[]): Promise<number> {
  giveOclifHome();
  const { printHelp } = await import("./help.js");
  await printHelp(words, ROOT);
  return 0;
}

function isTopic(word: string | undefined): boolean {
  return Object.keys(COMMANDS).some((command) => command.startsWith(`${word} `));
}

function unknownCommand(named: readonly string[]): VaultError {
  const [first, second] = named;
  if (first === "-C" || first === "--directory")
    return new VaultError("USAGE", `${first} needs a folder.`, { remedy: "Give one: -C DIR." });
  const words = findCommand(named) ? named.join(" ") : isTopic(first) && second !== undefined ? `${first} ${second}` : first!;
  return new VaultError("USAGE", `There is no ${words.startsWith("-") ? "flag" : "command"} ${words}.`, {
    remedy: `${suggestion(words, Object.keys(COMMANDS))}agent-vault --help shows all commands.`,
  });
}
