import { endLike, runWithSecrets } from "@agent-vault/runner";
import { runRequest, splitCommand } from "../flags/run-request.js";
import { oclifFlags } from "../flags/oclif-flags.js";
import { RUN_FLAGS } from "../flags/run-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Run extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 5;
  static override summary = "Run a command with secrets in its environment";
  static override needsPerson = "never" as const;
  static override description = "The secrets are removed from everything that the command prints. The exit code is the command's.";
  static override usage = "run [--secret PATH[=NAME]]... [FLAGS] -- COMMAND [WORDS...]";
  static override examples = [
    "agent-vault run --secret stripe/api-key=STRIPE_KEY --secret db/url -- npm test",
    "agent-vault run --env-file .env.vault --reason 'nightly import' -- ./import.sh",
    "agent-vault run --profile deploy --timeout 10m -- make deploy",
  ];
  static override strict = true;
  static override flags = oclifFlags(RUN_FLAGS);
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    this.argv = own;
    const { flags } = await this.parseCommandLine(Run);
    const root = await this.findVault({ fetch: false });
    endLike(await runWithSecrets(this.context, await runRequest(this.context, root, command, flags, flags.profile)));
  }
}
