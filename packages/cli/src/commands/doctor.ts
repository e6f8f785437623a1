import process from "node:process";
import { dirname, relative, sep } from "node:path";
import { Flags } from "@oclif/core";
import { refuseUnderToken } from "@agent-vault/runner";
import {
  detectHarness,
  exitCodeOf,
  findGitFolders,
  findVault,
  forgetRemote,
  printable,
  VAULT_FOLDER,
  VaultError,
} from "@agent-vault/vault";
import { examine } from "../doctor/examine.js";
import { keyChoice } from "../flags/key-choice.js";
import { argument, keyFlag } from "../flags/common-flags.js";
import { terminal } from "../terminal/terminal.js";
import { VaultCommand } from "../vault-command.js";

export default class Doctor extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Check this installation and suggest fixes";
  static override needsPerson = "never" as const;
  static override description =
    "Checks versions, keys and their permissions, trust, clock, git, hook and audit log. Exits with 5 if there are errors.";
  static override examples = ["agent-vault doctor", "agent-vault doctor --forget VAULT REMOTE"];
  static override args = { remote: argument({ description: "with --forget: the remote, as doctor shows it", required: false }) };
  static override flags = {
    key: keyFlag,
    forget: Flags.string({ description: "forget what is remembered of this vault for a remote; only on a terminal", helpValue: "VAULT" }),
  };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Doctor);
    if (flags.forget !== undefined || args.remote !== undefined) return this.#forget(flags.forget, args.remote);
    await this.config.load();
    const found = await examine(this.context, this.config.version, keyChoice(flags.key));
    this.print(found, function* () {
      for (const { subject, state, message, remedy } of found) {
        yield `${state.padEnd(8)}${subject.padEnd(12)}${message}`;
        if (remedy) yield `${" ".repeat(20)}${remedy}`;
      }
    });
    if (found.some(({ state }) => state === "error")) process.exitCode = exitCodeOf("CHECK_FAILED");
  }

  /** What protects from an old state is given up, so a person on a terminal types the vault's id. */
  async #forget(vault: string | undefined, remote: string | undefined): Promise<void> {
    if (vault === undefined || remote === undefined) {
      throw new VaultError("USAGE", "Forgetting needs a vault's id and a remote.", {
        remedy: "Run agent-vault doctor --forget VAULT REMOTE.",
      });
    }
    refuseUnderToken(this.context, "forget what is remembered of a vault");
    const harness = detectHarness(this.context.env);
    if (harness !== undefined || !terminal.canAsk()) {
      throw new VaultError(
        "CONFIRMATION_REQUIRED",
        "Only a person on a terminal can have this machine forget what it remembers of a vault.",
        {
          remedy: "Run agent-vault doctor --forget VAULT REMOTE on a terminal of your own.",
        },
      );
    }
    const typed = await terminal.askLine(
      `An older state of the vault will not be noticed on ${printable(remote)}. To confirm, type the vault's id:`,
    );
    const isForgotten = typed === vault && forgetRemote(this.context, vault, remote, this.#vaultPath());
    this.print({ forgotten: isForgotten }, () => [isForgotten ? "Forgotten." : "Nothing was forgotten."]);
  }

  /** The path of the vault here in its repository; as most have it where there is none. */
  #vaultPath(): string {
    try {
      const root = findVault(this.context);
      const git = findGitFolders(dirname(root));
      return git ? relative(git.workTree, root).split(sep).join("/") : VAULT_FOLDER;
    } catch {
      return VAULT_FOLDER;
    }
  }
}
