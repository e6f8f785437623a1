import { openAuthority, parseToken, TOKEN_PREFIX } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { readToken } from "../../flags/token-flags.js";
import { argument, keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenRevoke extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Revoke a token";
  static override needsPerson = "never" as const;
  static override description = "Also revokes all tokens attenuated from it.";
  static override args = {
    token: argument({ description: "the token or its ID, or - for standard input", required: true }),
  };
  static override flags = { key: keyFlag };
  static override argvMayHoldSecret = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(TokenRevoke);
    const given = await readToken(this.context, args.token);
    const id = given.startsWith(TOKEN_PREFIX) ? parseToken(given).id : given;
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "revoke a token");
    const wasActive = await ledger.tokens.revoke(id, requester);
    this.print({ id, revoked: wasActive }, () => [wasActive ? `Revoked token ${id}.` : `Token ${id} was already revoked.`]);
  }
}
