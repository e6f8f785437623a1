import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { nearest, VaultError } from "@agent-vault/vault/read-only";
import { COMMANDS } from "./commands.js";
import { fastGet } from "./fast-get.js";
import { reportError } from "./report-error.js";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => reportError(error, process.argv.includes("--json")));

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
  const { default: Command } = await COMMANDS[id]!();
  return Command.execute.call(Command as never, commandWords, ROOT);
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
  if (id === "scan" && words.join(" ") === "--staged") return (await import("./print-findings.js")).fastStagedScan();
  if (id === "completions") return (await import("./completions/answer.js")).answerCompletions(words, ROOT);
  return undefined;
}

/** As in git, -C DIR may stand before the command. */
function splitGlobals(words: readonly string[]): { globals: string[]; rest: string[] } {
  let count = 0;
  while (words[count] === "-C" && words[count + 1] !== undefined) count += 2;
  return { globals: words.slice(0, count), rest: words.slice(count) };
}

function findCommand(words: readonly string[]): string | undefined {
  return [words.slice(0, 2).join(" "), words[0] ?? ""].find((id) => Object.hasOwn(COMMANDS, id));
}

async function help(words: readonly string[], id: string | undefined): Promise<number> {
  const named = words.filter((word) => !word.startsWith("-"));
  const isTopic = named.length > 0 && Object.keys(COMMANDS).some((command) => command.startsWith(`${named[0]} `));
  if (id === undefined && named.length > 0 && named[0] !== "help" && !isTopic) {
    const meant = nearest(named[0]!, Object.keys(COMMANDS));
    const remedy = `${meant === undefined ? "" : `Did you mean ${meant}? `}agent-vault --help shows all commands.`;
    return reportError(new VaultError("USAGE", `There is no command ${named[0]}.`, { remedy }), words.includes("--json"));
  }
  const topic = named[0] === "help" ? named.slice(1) : named;
  const { printHelp } = await import("./help.js");
  await printHelp(words[0] === "--version" || words[0] === "-v" ? ["--version"] : [...(id?.split(" ") ?? topic), "--help"], ROOT);
  return 0;
}
