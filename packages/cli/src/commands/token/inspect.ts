import { parseToken } from "@agent-vault/runner";
import { caveatsInWords, readToken, tokenWord } from "../../flags/token-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenInspect extends VaultCommand {
  static override id = "token inspect";
  static override description = "Show what a token says of itself. That it is true, token verify says.";
  static override args = { token: tokenWord };
  protected override readonly wordsMayBeSecret = true;

  async run(): Promise<void> {
    const { args } = await this.words(TokenInspect);
    const { vault, id, macaroon } = parseToken(await readToken(this.context, args.token));
    const { location, caveats } = macaroon;
    this.print({ id, vault, location, caveats, verified: false }, function* () {
      yield `Token ${id} for the vault ${vault}, not verified, says that it is restricted to:`;
      yield* caveatsInWords(caveats);
    });
  }
}
