import { authorizeRead } from "@agent-vault/runner";
import { peekSecret } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag, VaultCommand, word } from "../vault-command.js";

/** The same for every secret: it says nothing of the value, not even its length. */
const MASK = "********";

export default class Peek extends VaultCommand {
  static override id = "peek";
  static override description = "See that a secret is there: prints the same mask for every value.";
  static override args = { path: word({ description: "the secret, as group/name", required: true }) };
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Peek);
    const secret = await peekSecret(this.context, await this.findVault(), args.path, {
      key: keyChoice(flags.key),
      judge: authorizeRead("read"),
    });
    this.print({ secret, value: MASK }, () => [MASK]);
  }
}
