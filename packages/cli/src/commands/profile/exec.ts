import { endLike, runWithSecrets } from "@agent-vault/runner";
import { runRequest, splitCommand } from "../../flags/run-request.js";
import { oclifFlags } from "../../flags/oclif-flags.js";
import { EXEC_FLAGS } from "../../flags/run-flags.js";
import { argument } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class ProfileExec extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Run a command with the secrets and variables of a profile";
  static override needsPerson = "never" as const;
  static override description = "The same as agent-vault run --profile.";
  static override usage = "profile exec PROFILE [FLAGS] -- COMMAND [WORDS...]";
  static override args = { profile: argument({ description: "the profile's name", required: true }) };
  static override flags = oclifFlags(EXEC_FLAGS);
  static override allowsToken = true;

  async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    this.argv = own;
    const { args, flags } = await this.parseCommandLine(ProfileExec);
    const root = await this.findVault();
    endLike(await runWithSecrets(this.context, await runRequest(this.context, root, command, flags, args.profile)));
  }
}
