import { authenticate, openAuthority } from "@agent-vault/runner";
import { plural } from "@agent-vault/vault/read-only";
import { keyChoice } from "../../flags/key-choice.js";
import { caveatsInWords, readToken, tokenWord } from "../../flags/token-flags.js";
import { keyFlag, VaultCommand } from "../../vault-command.js";

export default class TokenVerify extends VaultCommand {
  static override id = "token verify";
  static override description = "Say whether a token is one of this vault and holds now. That is not counted as a use.";
  static override args = { token: tokenWord };
  static override flags = { key: keyFlag };
  protected override readonly wordsMayBeSecret = true;

  async run(): Promise<void> {
    const { args, flags } = await this.words(TokenVerify);
    const token = await readToken(this.context, args.token);
    const { ledger } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), undefined);
    const { id, note, caveats, expires, limits } = await authenticate(ledger.tokens, token, this.context.now());
    const used = await ledger.tokens.uses(limits.map(({ counter }) => counter));
    const left = limits.length === 0 ? undefined : Math.min(...limits.map(({ limit }, index) => Math.max(0, limit - used[index]!)));
    this.print({ id, note, caveats, expires, uses_left: left }, function* () {
      yield `Token ${id} holds until ${expires.toISOString()}${left === undefined ? "" : `, for ${plural(left, "more use")}`}, restricted to:`;
      yield* caveatsInWords(caveats);
    });
  }
}
