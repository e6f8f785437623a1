import { Flags } from "@oclif/core";
import { init, VaultError } from "@agent-vault/vault";
import { installHook, type HookResult } from "@agent-vault/hooks";
import { hookCommand, whyNotInstalled } from "../advice/hook-not-installed.js";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { keyChoice } from "../flags/key-choice.js";
import { argument, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Init extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 1;
  static override summary = "Create a vault";
  static override description = "Creates it in a git repository, and creates the repository if there is none.";
  static override examples = ["agent-vault init", "agent-vault init services/api --new-key --passphrase"];
  static override args = { dir: argument({ description: "folder that gets the vault", default: "." }) };
  static override flags = {
    key: keyFlag,
    owner: Flags.string({ description: "your name in the manifest", helpValue: "NAME" }),
    "new-key": Flags.boolean({ description: "make a key of this vault's own, also where an owner's key exists" }),
    "post-quantum": Flags.boolean({ description: "make a new key post-quantum (and with it every agent's)" }),
    passphrase: Flags.boolean({ description: "protect a new key with a passphrase" }),
    "no-hook": Flags.boolean({ description: "do not install the pre-commit check" }),
  };
  static override completes = { dir: "folders" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Init);
    const made = await init(this.context, {
      directory: args.dir,
      owner: flags.owner,
      key: keyChoice(flags.key),
      newKey: flags["new-key"],
      kind: flags["post-quantum"] ? "post-quantum" : undefined,
      passphrase: flags.passphrase ? askNewPassphrase : undefined,
    });
    const { hook, problem } = flags["no-hook"] ? {} : await this.#installHook(made.vault);
    this.print({ ...made, hook }, function* () {
      yield `Made a vault in ${made.vault}${made.newRepository ? ", and a git repository for it" : ""}.`;
      if (made.newKeyFile)
        yield `Your key is ${made.newKeyFile}. Back it up: whoever holds it opens every secret, and without it nobody does.`;
      else yield `You are its owner with the key in ${made.keySource}.`;
      if (hook?.installed) yield `The pre-commit check is installed (${hook.file}).`;
      yield "Next: agent-vault set group/name";
    });
    if (problem !== undefined) this.context.warn(problem);
  }

  /** The vault is made by now, so that a hook that cannot be installed is no failure. */
  async #installHook(vault: string): Promise<{ hook?: HookResult; problem?: string }> {
    try {
      const hook = await installHook(this.context, vault, { command: hookCommand() });
      return hook.installed ? { hook } : { hook, problem: `The pre-commit check is not installed. ${whyNotInstalled(hook)}` };
    } catch (error) {
      const reason = error instanceof VaultError ? [error.message, error.remedy].join(" ") : String(error);
      return { problem: `The pre-commit check is not installed. ${reason} Then run agent-vault hook install.` };
    }
  }
}
