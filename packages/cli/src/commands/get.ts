import { Flags } from "@oclif/core";
import { printSecret } from "../findings/print-secret.js";
import { keyFlag, noPullFlag, tokenFlag, VaultCommand, word } from "../vault-command.js";

export default class Get extends VaultCommand {
  static override id = "get";
  static override description = "Print a secret's value, exactly its bytes and nothing after them.";
  static override examples = ["agent-vault get stripe/api-key", "agent-vault get tls/key --key ~/.agent-vault/agents/web.key > server.key"];
  static override args = { path: word({ description: "the secret, as group/name", required: true }) };
  static override flags = {
    key: keyFlag,
    "no-pull": noPullFlag,
    token: tokenFlag,
    "for-program": Flags.boolean({ hidden: true, description: "read for a program that was written to have the value: an SDK asks so" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Get);
    await printSecret(this.context, await this.findVault(), {
      path: args.path,
      key: flags.key,
      token: flags.token,
      noPull: flags["no-pull"],
      json: flags.json,
      forProgram: flags["for-program"],
    });
  }
}
