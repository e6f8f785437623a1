import process from "node:process";
import { Command, Config, Parser, type Interfaces } from "@oclif/core";
import { refuseUnderToken } from "@agent-vault/runner";
import {
  findVault,
  openState,
  printable,
  pushCommand,
  type ChangeRequest,
  type Context,
  type KeyChoice,
  type MergeReview,
  type VaultState,
} from "@agent-vault/vault";
import { askMerge } from "./advice/ask-merge.js";
import type { CompletionKind } from "./completions/completion-kind.js";
import { globalFlags } from "./flags/common-flags.js";
import { keyChoice } from "./flags/key-choice.js";
import type { HelpGroup } from "./help/help-groups.js";
import { noUrlHere, usageError } from "./help/usage-error.js";
import { requirePerson, shownWords, type OwnersAct, type PersonNeeded } from "./owners-act.js";
import { colour } from "./terminal/messages.js";
import { ProgressLine } from "./terminal/progress-line.js";
import { reportError } from "./terminal/report-error.js";
import { jsonText } from "./terminal/standard-output.js";
import { terminal } from "./terminal/terminal.js";
import { findVaultToRead, terminalContext } from "./terminal/terminal-context.js";

/** A command line that the command's own flags and arguments were read from. */
export type Parsed<C extends typeof VaultCommand> = {
  flags: Interfaces.InferredFlags<C["flags"] & (typeof VaultCommand)["baseFlags"]>;
  args: Interfaces.InferredArgs<C["args"]>;
  argv: unknown[];
};

/**
 * What all commands have in common: where the vault is, how they print and how they fail. A command reads its command line, calls one
 * function and prints. All that is to know about it (help, completion, tokens) is in its static properties, which the build writes to
 * oclif.manifest.json; its name is that of its file.
 */
export abstract class VaultCommand extends Command {
  static override baseFlags = globalFlags;
  /** The heading of `agent-vault --help` under which the command is listed. */
  static helpGroup: HelpGroup | undefined = undefined;
  /** Where the command comes among the first that a newcomer needs; for those in the group `start`. */
  static firstStep: number | undefined = undefined;
  /** What completes each argument. */
  static completes: Readonly<Record<string, CompletionKind>> = {};
  /**
   * Whether the command runs where a token is presented: because it is limited by the token, needs no key, or only looks at tokens. All
   * others would act with the key's authority, and are refused.
   */
  static allowsToken = false;
  /**
   * Whether a person has to say yes where a coding agent seems to have started the command: because it signs for the vault, mints authority or hands out a
   * key. Each command says so itself. What takes power away never asks.
   */
  static needsPerson: PersonNeeded;

  /** Whether `-C` may be a repository's URL: the command reads the vault, and changes nothing. */
  static readsUrl = false;

  /** Whether an unexpected word on the command line may be part of a secret, which no message may repeat. */
  static argvMayHoldSecret = false;
  #json = false;
  #key: KeyChoice = {};
  #dryRun = false;
  /** The vault that this command changes. */
  #changed: string | undefined;
  #context: Context | undefined;
  /** The command line as a person may be shown it. */
  #words: readonly string[] = [];
  readonly #progress = new ProgressLine();

  /** Runs a command without oclif's own configuration, which would take longer than most commands. @returns the exit code */
  static async execute(this: new (argv: string[], config: Config) => VaultCommand, argv: string[], root: string): Promise<number> {
    const command = new this(argv, new Config({ root }));
    try {
      await command.run();
      await command.#warnOfHookTurnedOff();
      await command.#showHowToPush();
      return process.exitCode === undefined ? 0 : Number(process.exitCode);
    } catch (error) {
      command.#progress.clear();
      return reportError(error, command.#json || argv.includes("--json"));
    } finally {
      command.#progress.clear();
    }
  }

  /** Reads the command line. @throws VaultError `USAGE`, `TOKEN_REFUSED` where a token is presented that the command does not allow */
  protected async parseCommandLine<C extends typeof VaultCommand>(command: C): Promise<Parsed<C>> {
    const flags = { ...VaultCommand.baseFlags, ...command.flags };
    try {
      const parsed = await Parser.parse(this.argv, { args: command.args, flags, strict: command.strict, context: this, "--": true });
      const {
        directory = [],
        json,
        "passphrase-fd": passphraseFd,
        ...own
      } = parsed.flags as { directory?: string[]; json?: boolean; "passphrase-fd"?: string; "dry-run"?: boolean; key?: string };
      this.#json = json ?? false;
      this.#dryRun = own["dry-run"] ?? false;
      this.#context = terminalContext(this.id!, directory, this.#progress, passphraseFd);
      if (this.#context.repositoryUrl && !command.readsUrl) throw noUrlHere(this.id!);
      this.#key = keyChoice(own.key);
      if (!command.allowsToken) refuseUnderToken(this.#context, `run agent-vault ${this.id}`);
      this.#words = shownWords(this.id!, parsed.args, own);
      const { needsPerson } = command;
      if (needsPerson !== "never" && needsPerson !== "sometimes" && !this.#dryRun) await this.requirePerson(needsPerson);
      return parsed as unknown as Parsed<C>;
    } catch (error) {
      throw usageError(error, { id: this.id, flags: Object.keys(flags), argvMayHoldSecret: command.argvMayHoldSecret });
    }
  }

  protected get context(): Context {
    return (this.#context ??= terminalContext(this.id!, [], this.#progress));
  }

  /** @param fetch whether the clone of a URL is brought up to date first, where the command does not do that by itself */
  protected findVault({ fetch = true } = {}): Promise<string> {
    return findVaultToRead(this.context, { key: this.#key, fetch });
  }

  /** The vault's verified state, for what needs no key. */
  protected async openState(): Promise<VaultState> {
    return openState(this.context, await this.findVault());
  }

  /** Has a person say yes where a coding agent seems to have started this. @throws VaultError `APPROVAL_DENIED`, `APPROVAL_UNAVAILABLE` */
  protected async requirePerson(act: OwnersAct): Promise<void> {
    this.#context = await requirePerson(this.context, act, this.#words);
  }

  /** The part of an owner's request that is the same for all changes. */
  protected async change(flags: { key?: string | undefined; "dry-run"?: boolean }): Promise<ChangeRequest> {
    if ((this.constructor as typeof VaultCommand).needsPerson === "never")
      throw new Error(`agent-vault ${this.id} does not say that it signs.`);
    const vault = findVault(this.context);
    const dryRun = flags["dry-run"] ?? false;
    if (!dryRun) this.#changed = vault;
    const review = terminal.canAsk() ? (merge: MergeReview) => askMerge(merge, (line) => this.context.note?.(line)) : undefined;
    return { vault, key: keyChoice(flags.key), dryRun, ...(review && { review }) };
  }

  /** A hook manager that is set up later takes the hook's place, without a word. A hint, so its failure is no error. */
  async #warnOfHookTurnedOff(): Promise<void> {
    if (this.#changed === undefined) return;
    const { hookTurnedOff } = await import("@agent-vault/hooks");
    const hook = await hookTurnedOff(this.context, this.#changed).catch(() => undefined);
    if (hook !== undefined)
      this.context.warn(
        `The pre-commit hook of this clone no longer runs: git now takes its hooks from ${hook.file}. Add it there with agent-vault hook install.`,
      );
  }

  /** Says how to push a change, since agents elsewhere see it only then. A hint, so its failure is no error. */
  async #showHowToPush(): Promise<void> {
    if (this.#changed === undefined || !process.stderr.isTTY) return;
    const command = await pushCommand(this.context, this.#changed).catch(() => undefined);
    if (command !== undefined) process.stderr.write(`${colour("dim", `Committed. Push it with: ${command}`)}\n`);
  }

  /** Prints the result: as JSON with `--json`, marked where it is a dry run, else as lines of text. */
  protected print(result: object, lines: () => Iterable<string>): void {
    this.#progress.clear();
    if (this.#json) process.stdout.write(jsonText(this.#dryRun ? { dry_run: true, ...result } : result));
    else for (const line of lines()) process.stdout.write(`${printable(line)}\n`);
  }
}
