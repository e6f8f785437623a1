import { openAuthority, parseToken, TOKEN_PREFIX } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { readToken } from "../../flags/token-flags.js";
import { keyFlag, VaultCommand, word } from "../../vault-command.js";

export default class TokenRevoke extends VaultCommand {
  static override id = "token revoke";
  static override description = "Take a token back, and all that were attenuated from it.";
  static override args = { token: word({ description: "its id, or the token itself; - reads it from standard input", required: true }) };
  static override flags = { key: keyFlag };
  protected override readonly wordsMayBeSecret = true;

  async run(): Promise<void> {
    const { args, flags } = await this.words(TokenRevoke);
    const given = await readToken(this.context, args.token);
    const id = given.startsWith(TOKEN_PREFIX) ? parseToken(given).id : given;
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "revoke a token");
    const held = await ledger.tokens.revoke(id, requester);
    this.print({ id, revoked: held }, () => [held ? `Revoked token ${id}.` : `Token ${id} was revoked already.`]);
  }
}
