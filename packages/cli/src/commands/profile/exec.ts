import { endLike, runWithSecrets } from "@agent-vault/runner";
import { runRequest, splitCommand } from "../../flags/run-request.js";
import { runFlags } from "../../flags/run-flags.js";
import { VaultCommand, word } from "../../vault-command.js";

export default class ProfileExec extends VaultCommand {
  static override id = "profile exec";
  static override description = "Run a command with the secrets and variables of a profile, as run --profile does.";
  static override usage = "profile exec PROFILE [FLAGS] -- COMMAND [WORDS...]";
  static override args = { profile: word({ description: "the profile's name", required: true }) };
  static override flags = runFlags;

  async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    this.argv = own;
    const { args, flags } = await this.words(ProfileExec);
    const root = await this.findVault();
    endLike(await runWithSecrets(this.context, await runRequest(this.context, root, command, flags, args.profile)));
  }
}
