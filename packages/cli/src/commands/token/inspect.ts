import { parseToken } from "@agent-vault/runner";
import { formatCaveats, readToken, tokenArgument } from "../../flags/token-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenInspect extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Show the contents of a token";
  static override needsPerson = "never" as const;
  static override description = "Does not verify the token: use agent-vault token verify for that.";
  static override args = { token: tokenArgument };
  static override argvMayHoldSecret = true;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args } = await this.parseCommandLine(TokenInspect);
    const { vault, id, macaroon } = parseToken(await readToken(this.context, args.token));
    const { location, caveats } = macaroon;
    this.print({ id, vault, location, caveats, verified: false }, function* () {
      yield `Token ${id} for vault ${vault} (not verified) is restricted to:`;
      yield* formatCaveats(caveats);
    });
  }
}
