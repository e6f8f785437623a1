import { formatSecretPath, parseSecretPath } from "@agent-vault/vault";
import { VaultCommand, word } from "../vault-command.js";

/** The same for every secret: it says nothing of the value, not even its length. */
const MASK = "********";

export default class Peek extends VaultCommand {
  static override id = "peek";
  static override description = "See that a secret is there: prints the same mask for every value.";
  static override args = { path: word({ description: "the secret, as group/name", required: true }) };

  async run(): Promise<void> {
    const { args } = await this.words(Peek);
    const state = await this.openState();
    const path = parseSecretPath(args.path);
    state.ciphertext(path);
    this.print({ secret: formatSecretPath(path), value: MASK }, () => [MASK]);
  }
}
