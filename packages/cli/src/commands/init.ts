import { Flags } from "@oclif/core";
import { init, VaultError } from "@agent-vault/vault";
import { installHook, type HookResult } from "@agent-vault/hooks";
import { whyNotInstalled } from "../advice/hook-not-installed.js";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { keyChoice } from "../flags/key-choice.js";
import { argument, keyFlag } from "../flags/common-flags.js";
import { programCommand } from "../program-command.js";
import { VaultCommand } from "../vault-command.js";

export default class Init extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 1;
  static override summary = "Create a vault";
  static override needsPerson = "signs" as const;
  static override description = "Creates it in a git repository, and creates the repository if there is none.";
  static override examples = ["agent-vault init", "agent-vault init services/api --new-key --passphrase"];
  static override args = { dir: argument({ description: "the folder for the vault", default: "." }) };
  static override flags = {
    key: keyFlag,
    owner: Flags.string({ description: "your name in the manifest", helpValue: "NAME" }),
    "new-key": Flags.boolean({ description: "create a key for this vault, even if you have an owner key" }),
    "post-quantum": Flags.boolean({ description: "make the new key post-quantum, and with it the keys of all agents" }),
    passphrase: Flags.boolean({ description: "protect the new key with a passphrase" }),
    "no-hook": Flags.boolean({ description: "do not install the pre-commit hook" }),
  };
  static override completes = { dir: "folders" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Init);
    const created = await init(this.context, {
      directory: args.dir,
      owner: flags.owner,
      key: keyChoice(flags.key),
      newKey: flags["new-key"],
      kind: flags["post-quantum"] ? "post-quantum" : undefined,
      passphrase: flags.passphrase ? () => askNewPassphrase(this.context) : undefined,
    });
    const { hook, problem } = flags["no-hook"] ? {} : await this.#installHook(created.vault);
    this.print({ ...created, hook }, function* () {
      yield `Created a vault in ${created.vault}${created.newRepository ? ", and a git repository for it" : ""}.`;
      if (created.newKeyFile) yield `Your key is in ${created.newKeyFile}. Back it up: it opens every secret, and without it nobody can.`;
      else yield `You are the owner, with the key from ${created.keySource}.`;
      if (hook?.installed) yield `The pre-commit hook is installed in ${hook.file}.`;
      yield "Next: agent-vault set group/name";
    });
    if (problem !== undefined) this.context.warn(problem);
  }

  /** The vault exists by now, so a hook that cannot be installed is only a warning. */
  async #installHook(vault: string): Promise<{ hook?: HookResult; problem?: string }> {
    try {
      const hook = await installHook(this.context, vault, { command: programCommand() });
      return hook.installed ? { hook } : { hook, problem: `The pre-commit hook is not installed. ${whyNotInstalled(hook)}` };
    } catch (error) {
      const reason = error instanceof VaultError ? [error.message, error.remedy].join(" ") : String(error);
      return { problem: `The pre-commit hook is not installed. ${reason} Then run agent-vault hook install.` };
    }
  }
}
