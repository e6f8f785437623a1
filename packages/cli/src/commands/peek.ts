import { authorizeRead } from "@agent-vault/runner";
import { peekSecret } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag, secretArgument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

/** The same for every secret: it says nothing of the value, not even its length. */
const MASK = "********";

export default class Peek extends VaultCommand {
  static override helpGroup = "secrets" as const;
  static override summary = "Check that a secret exists";
  static override needsPerson = "never" as const;
  static override description = "Prints the same mask for every value.";
  static override args = { path: secretArgument };
  static override flags = { key: keyFlag };
  static override completes = { path: "secrets" } as const;
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Peek);
    const secret = await peekSecret(this.context, await this.findVault(), args.path, {
      key: keyChoice(flags.key),
      judge: authorizeRead("read", { door: "cli" }),
    });
    this.print({ secret, value: MASK }, () => [MASK]);
  }
}
