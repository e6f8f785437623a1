import { Flags } from "@oclif/core";
import { init } from "@agent-vault/vault";
import { installHook } from "@agent-vault/hooks";
import { hookCommand } from "../hook-command.js";
import { askNewPassphrase } from "../new-passphrase.js";
import { keyChoice } from "../key-choice.js";
import { keyFlag, VaultCommand, word } from "../vault-command.js";

export default class Init extends VaultCommand {
  static override id = "init";
  static override description = "Make a vault in a git repository, and the repository where there is none.";
  static override examples = ["agent-vault init", "agent-vault init services/api --new-key --passphrase"];
  static override args = { dir: word({ description: "folder that gets the vault", default: "." }) };
  static override flags = {
    key: keyFlag,
    owner: Flags.string({ description: "your name in the manifest", helpValue: "NAME" }),
    "new-key": Flags.boolean({ description: "make a key of this vault's own, also where an owner's key exists" }),
    "post-quantum": Flags.boolean({ description: "make a new key post-quantum (and with it every agent's)" }),
    passphrase: Flags.boolean({ description: "protect a new key with a passphrase" }),
    "no-hook": Flags.boolean({ description: "do not install the pre-commit check" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Init);
    const made = await init(this.context, {
      directory: args.dir,
      owner: flags.owner,
      key: keyChoice(flags.key),
      newKey: flags["new-key"],
      kind: flags["post-quantum"] ? "post-quantum" : "x25519",
      passphrase: flags.passphrase ? askNewPassphrase : undefined,
    });
    const hook = flags["no-hook"] ? undefined : await installHook(this.context, made.vault, { command: hookCommand() });
    this.print({ ...made, hook }, function* () {
      yield `Made a vault in ${made.vault}${made.newRepository ? ", and a git repository for it" : ""}.`;
      if (made.newKeyFile)
        yield `Your key is ${made.newKeyFile}. Back it up: whoever holds it opens every secret, and without it nobody does.`;
      else
        yield `You are its owner with the key in ${made.keySource}${flags.passphrase ? ", which stays as it is; --new-key makes another" : ""}.`;
      if (hook?.manual) yield `The pre-commit check was not installed; add this to ${hook.file}:\n\n${hook.manual}`;
      else if (hook) yield `The pre-commit check is installed (${hook.file}).`;
      yield "Next: agent-vault set group/name";
    });
  }
}
