import { Flags } from "@oclif/core";
import { endLike, runWithSecrets } from "@agent-vault/runner";
import { runRequest, splitCommand } from "../flags/run-request.js";
import { runFlags } from "../flags/run-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Run extends VaultCommand {
  static override id = "run";
  static override description =
    "Run a command with secrets in its environment, without seeing them: what it prints is scrubbed of them. Its exit code is the command's.";
  static override usage = "run [--secret PATH[=NAME]]... [FLAGS] -- COMMAND [WORDS...]";
  static override examples = [
    "agent-vault run --secret stripe/api-key=STRIPE_KEY --secret db/url -- npm test",
    "agent-vault run --env-file .env.vault --reason 'nightly import' -- ./import.sh",
    "agent-vault run --profile deploy --timeout 10m -- make deploy",
  ];
  static override strict = true;
  static override flags = {
    ...runFlags,
    profile: Flags.string({ description: "the secrets and variables of a profile", helpValue: "NAME" }),
  };

  async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    this.argv = own;
    const { flags } = await this.words(Run);
    const root = await this.findVault();
    endLike(await runWithSecrets(this.context, await runRequest(this.context, root, command, flags, flags.profile)));
  }
}
