import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { homeOf, VaultError } from "@agent-vault/vault/read-only";
import { fastGet } from "./fast-path/get.js";
import { findCommand } from "./find-command.js";
import { loadCommand } from "./load-command.js";
import { reportError } from "./terminal/report-error.js";

/** The package's folder. */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Other names of a topic and of a command. */
const TOPIC_ALIASES: ReadonlyMap<string, string> = new Map([["macaroon", "token"]]);
const COMMAND_ALIASES: ReadonlyMap<string, readonly [string, string]> = new Map([["session info", ["session", "list"]]]);

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

/** Runs one command line. Only help loads oclif's configuration: without it, most commands start in half the time. */
async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on("error", endWithoutOutput);
  process.stderr.on("error", () => {});
  const { globals, rest } = splitGlobals(argv);
  if (rest[0] === "hook" && rest[1] === "pre-push") return (await import("./fast-path/push-note.js")).notePush(rest.slice(2));
  if (rest[0] === "hook" && /^post-(?:merge|rewrite)$/.test(rest[1] ?? ""))
    return (await import("./fast-path/finish-hook.js")).finishFromHook();
  if (rest[0] === "merge-driver") return (await import("./fast-path/merge-driver.js")).mergeFile(rest.slice(1));
  const separator = rest.indexOf("--");
  const own = separator < 0 ? rest : rest.slice(0, separator);
  const id = findCommand(rest);
  if (id === undefined || own.includes("--help") || own.includes("-h")) {
    giveOclifHome();
    const { showHelp } = await import("./help/show-help.js");
    await showHelp(rest, id, ROOT);
    return 0;
  }
  const commandArgv = [...globals, ...rest.slice(id.split(" ").length)];
  const code = await runFast(id, commandArgv);
  if (code !== undefined) return code;
  giveOclifHome();
  const Command = await loadCommand(id);
  return Command.execute.call(Command as never, commandArgv, ROOT);
}

/** oclif fails where the system knows no home folder of this user. */
function giveOclifHome(): void {
  process.env["HOME"] ||= homeOf(process.env);
}

/** Ends as any program of a shell does when the reader of its output has gone; a full disk is an error. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code === "EPIPE") process.exit(141);
  const failure = new VaultError("FAILED", `Standard output could not be written (${error.code}).`, {
    remedy: "Free some disk space, or write the output elsewhere.",
    cause: error,
  });
  process.exit(reportError(failure, false));
}

/** As in git, -C DIR and the other global flags may come before the command. */
function splitGlobals(argv: readonly string[]): { globals: string[]; rest: string[] } {
  let count = 0;
  for (let word = argv[0]; word !== undefined; word = argv[count]) {
    if (word === "--json" || /^(?:-C.|--directory=|--passphrase-fd=)/s.test(word)) count += 1;
    else if (/^(?:-C|--directory|--passphrase-fd)$/.test(word) && count + 1 < argv.length) count += 2;
    else break;
  }
  const rest = argv.slice(count);
  const at = rest[0] === "help" ? 1 : 0;
  const topic = TOPIC_ALIASES.get(rest[at] ?? "");
  const command = COMMAND_ALIASES.get(rest.slice(at, at + 2).join(" "));
  const named = command ? rest.toSpliced(at, 2, ...command) : topic === undefined ? rest : rest.with(at, topic);
  return { globals: argv.slice(0, count), rest: named };
}

/** Runs without oclif what agents call most, what every commit waits for, and what a person waits for at every TAB. */
async function runFast(id: string, argv: readonly string[]): Promise<number | undefined> {
  if (id === "get") return fastGet(argv);
  if (id === "run") return (await import("./fast-path/run.js")).fastRun(argv);
  if (id === "scan" && argv.join(" ") === "--staged") return (await import("./fast-path/staged-scan.js")).fastStagedScan();
  if (id === "completions") return (await import("./completions/answer.js")).answerCompletions(argv, ROOT);
  return undefined;
}
