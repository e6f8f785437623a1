import { authenticate, openAuthority } from "@agent-vault/runner";
import { plural } from "@agent-vault/vault/read-only";
import { keyChoice } from "../../flags/key-choice.js";
import { formatCaveats, readToken, tokenArgument } from "../../flags/token-flags.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenVerify extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Verify a token";
  static override needsPerson = "never" as const;
  static override description = "Checks that it belongs to this vault and is valid now. This does not count as a use.";
  static override args = { token: tokenArgument };
  static override flags = { key: keyFlag };
  static override argvMayHoldSecret = true;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(TokenVerify);
    const token = await readToken(this.context, args.token);
    const { ledger } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), undefined);
    const { id, note, caveats, expires, limits } = await authenticate(ledger.tokens, token, this.context.now());
    const used = await ledger.tokens.uses(limits.map(({ counter }) => counter));
    const left = limits.length === 0 ? undefined : Math.min(...limits.map(({ limit }, index) => Math.max(0, limit - used[index]!)));
    this.print({ id, note, caveats, expires, uses_left: left }, function* () {
      yield `Token ${id} is valid until ${expires.toISOString()}${left === undefined ? "" : `, for ${plural(left, "more use")}`}, restricted to:`;
      yield* formatCaveats(caveats);
    });
  }
}
