import process from "node:process";
import { Args, Command, Config, Flags, Parser, type Interfaces } from "@oclif/core";
import { findVault, openState, printable, pushCommand, type ChangeRequest, type Context, type VaultState } from "@agent-vault/vault";
import { refuseUnderToken } from "@agent-vault/runner";
import { OPEN_TO_TOKENS } from "./commands.js";
import { keyChoice } from "./flags/key-choice.js";
import { reportError, usageError } from "./terminal/report-error.js";
import { jsonText } from "./terminal/standard-output.js";
import { findVaultToRead, terminalContext } from "./terminal/terminal-context.js";
import { colour, ProgressLine } from "./terminal/terminal.js";

export type Parsed<C extends typeof VaultCommand> = {
  flags: Interfaces.InferredFlags<C["flags"] & (typeof VaultCommand)["baseFlags"]>;
  args: Interfaces.InferredArgs<C["args"]>;
  argv: unknown[];
};

/** A word on the command line. Standard input is never taken for one, as oclif would on its own. */
export const word = Args.custom({ ignoreStdin: true });
export const keyFlag = Flags.string({
  description: "key file to use instead of AGENT_VAULT_KEY and ~/.agent-vault/owner.key",
  helpValue: "FILE",
});
export const noPullFlag = Flags.boolean({ description: "do not bring the vault up to date first" });
export const tokenFlag = Flags.string({
  description: "a token, which is the only authority then; other programs see it here, so better set AGENT_VAULT_TOKEN",
  helpValue: "TOKEN",
});
export const dryRunFlag = Flags.boolean({ description: "say what would change, for whom, and change nothing" });

/** What all commands share: where the vault is, how to speak, how to fail. A command parses, calls one function and prints. */
export abstract class VaultCommand extends Command {
  static override baseFlags = {
    directory: Flags.string({
      char: "C",
      description: "run as if started in DIR",
      helpValue: "DIR",
      helpGroup: "GLOBAL",
      multiple: true,
      multipleNonGreedy: true,
    }),
    json: Flags.boolean({ description: "print JSON", helpGroup: "GLOBAL" }),
  };

  /** Whether a stray word on the command line may be a part of a secret. */
  protected readonly wordsMayBeSecret: boolean = false;
  #json = false;
  #dryRun = false;
  /** The vault that this command changes. */
  #changed: string | undefined;
  #context: Context | undefined;
  readonly #progress = new ProgressLine();

  /** Runs a command to its end, without oclif's own configuration, which would cost more than most commands. @returns the exit code */
  static async execute(this: new (argv: string[], config: Config) => VaultCommand, argv: string[], root: string): Promise<number> {
    const command = new this(argv, new Config({ root }));
    try {
      await command.run();
      await command.#sayHowToPush();
      return process.exitCode === undefined ? 0 : Number(process.exitCode);
    } catch (error) {
      command.#progress.clear();
      return reportError(error, command.#json || argv.includes("--json"));
    } finally {
      command.#progress.clear();
    }
  }

  /** Parses the command's own words. @throws VaultError `USAGE` */
  protected async words<C extends typeof VaultCommand>(command: C): Promise<Parsed<C>> {
    try {
      const flags = { ...VaultCommand.baseFlags, ...command.flags };
      const parsed = await Parser.parse(this.argv, { args: command.args, flags, strict: command.strict, context: this, "--": true });
      const { directory = [], json, ...own } = parsed.flags as { directory?: string[]; json?: boolean; "dry-run"?: boolean };
      this.#json = json ?? false;
      this.#dryRun = own["dry-run"] ?? false;
      this.#context = terminalContext(this.id!, directory, this.#progress);
      if (!OPEN_TO_TOKENS.has(this.id!)) refuseUnderToken(this.#context, `run agent-vault ${this.id}`);
      return parsed as unknown as Parsed<C>;
    } catch (error) {
      throw usageError(error, this.id, this.wordsMayBeSecret);
    }
  }

  protected get context(): Context {
    return (this.#context ??= terminalContext(this.id!, [], this.#progress));
  }

  protected findVault(): Promise<string> {
    return findVaultToRead(this.context);
  }

  /** The vault's state, verified, for what needs no key. */
  protected async openState(): Promise<VaultState> {
    return openState(this.context, await this.findVault());
  }

  /** The part of an owner's request that is the same for all. */
  protected async change(flags: { key?: string | undefined; "dry-run"?: boolean }): Promise<ChangeRequest> {
    const vault = findVault(this.context);
    const dryRun = flags["dry-run"] ?? false;
    if (!dryRun) this.#changed = vault;
    return { vault, key: keyChoice(flags.key), dryRun };
  }

  /** A change that stays here helps no agent elsewhere. It is only a hint, so nothing that goes wrong with it counts. */
  async #sayHowToPush(): Promise<void> {
    if (this.#changed === undefined || !process.stderr.isTTY) return;
    const command = await pushCommand(this.context, this.#changed).catch(() => undefined);
    if (command !== undefined) process.stderr.write(`${colour("dim", `Committed; push it with: ${command}`)}\n`);
  }

  /** Prints the result: as JSON where asked for, marked where it is only what would be done, else in words. */
  protected print(result: object, words: () => Iterable<string>): void {
    this.#progress.clear();
    if (this.#json) process.stdout.write(jsonText(this.#dryRun ? { dry_run: true, ...result } : result));
    else for (const line of words()) process.stdout.write(`${printable(line)}\n`);
  }
}
