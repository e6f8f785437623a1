import { printValue } from "../values/print-value.js";
import { secretArgument } from "../flags/common-flags.js";
import { GET_FLAGS } from "../flags/get-flags.js";
import { oclifFlags } from "../flags/oclif-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Get extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 6;
  static override summary = "Print a secret's value";
  static override needsPerson = "never" as const;
  static override description = "Prints exactly the bytes of the value, without an added newline.";
  static override examples = ["agent-vault get stripe/api-key", "agent-vault get tls/key --key ~/.agent-vault/agents/web.key > server.key"];
  static override args = { path: secretArgument };
  static override flags = oclifFlags(GET_FLAGS);
  static override completes = { path: "secrets" } as const;
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Get);
    await printValue(this.context, await this.findVault({ fetch: false }), {
      path: args.path,
      key: flags.key,
      token: flags.token,
      noPull: flags["no-pull"],
      json: flags.json,
      forProgram: flags["for-program"],
    });
  }
}
