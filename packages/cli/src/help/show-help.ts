import process from "node:process";
import { CommandHelp, Config, Help, type Command } from "@oclif/core";
import { findCommand } from "../find-command.js";
import type { VaultCommand } from "../vault-command.js";
import { HELP_GROUPS, type HelpGroup } from "./help-groups.js";
import { isTopic, unknownCommand } from "./unknown-command.js";

/**
 * Prints the help of a command, a topic or the whole program, or its version.
 * @param argv the command line without global flags
 * @param id the command that it begins with
 * @param root the package's folder
 * @throws VaultError `USAGE` for what is none of these
 */
export async function showHelp(argv: readonly string[], id: string | undefined, root: string): Promise<void> {
  const subject = id === undefined ? findSubject(argv) : id.split(" ");
  // oclif would ask the system for the shell, which fails for a user that the system does not know, as in a container.
  process.env["SHELL"] ??= "unknown";
  const config = await Config.load({ root });
  if (subject === "version") process.stdout.write(`${config.userAgent}\n`);
  else await new GroupedHelp(config).showHelp(subject);
}

function findSubject(argv: readonly string[]): string[] | "version" {
  const [first, ...others] = argv;
  if (first === "--version" || first === "-v") return "version";
  const named = (first === "help" ? others : argv).filter((word) => word !== "--help" && word !== "-h");
  const known = findCommand(named)?.split(" ") ?? (isTopic(named[0]) && named.length === 1 ? named : []);
  if (named.length > known.length) throw unknownCommand(named);
  return [...known];
}

/** A space at which no line is broken. */
const FIXED_SPACE = "\u00A0";

/** oclif's help of a command, which would repeat the summary in the description and break lines inside of flags. */
class DescribedCommandHelp extends CommandHelp {
  protected override description(): string | undefined {
    return this.command.description && this.wrap(this.command.description);
  }

  protected override usage(): string {
    const usage = [this.command.usage ?? this.defaultUsage()].flat();
    const unbroken = usage.map((line) => line.replace(/\[(?:[^[\]]|\[[^\]]*\])*\]/g, (flag) => flag.replaceAll(" ", FIXED_SPACE)));
    this.command = { ...this.command, usage: unbroken };
    return super.usage().replaceAll(FIXED_SPACE, " ");
  }

  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    return super
      .examples(examples)
      ?.split("\n\n")
      .map((example) => (example.startsWith("$ ") ? example : `$ ${example}`))
      .join("\n\n");
  }
}

/** A command as oclif's manifest describes it, with what our commands say about themselves beyond oclif. */
type ListedCommand = Command.Loadable & Pick<typeof VaultCommand, "helpGroup" | "firstStep">;

/** oclif's help, with the commands of the program in groups. */
class GroupedHelp extends Help {
  protected override CommandHelpClass = DescribedCommandHelp;

  protected override async showRootHelp(): Promise<void> {
    this.log(`${this.formatRoot()}\n`);
    for (const [group, title] of Object.entries(HELP_GROUPS)) {
      const rows = this.#rowsOf(group as HelpGroup);
      this.log(`${this.section(title, this.renderList(rows, { indentation: 2, spacer: "\n", stripAnsi: false }))}\n`);
    }
    this.log("agent-vault COMMAND --help shows a command's arguments, flags and examples.");
  }

  /** The commands of a group, a topic being one row: in the order for a newcomer, then by name. */
  #rowsOf(group: HelpGroup): [string, string | undefined][] {
    const ofGroup = (this.sortedCommands as ListedCommand[]).filter(({ helpGroup }) => helpGroup === group);
    const names = new Set(ofGroup.toSorted((a, b) => (a.firstStep ?? 0) - (b.firstStep ?? 0)).map(({ id }) => id.split(":", 1)[0]!));
    return [...names].map((name) => {
      const command = ofGroup.find(({ id }) => id === name);
      return [name, command ? this.summary(command) : this.config.findTopic(name)?.description];
    });
  }
}
