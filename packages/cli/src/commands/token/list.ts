import { Flags } from "@oclif/core";
import { openAuthority } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { table } from "../../terminal/table.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenList extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "List active tokens";
  static override needsPerson = "never" as const;
  static override description =
    "Lists the tokens for this vault that were created on this machine. Tokens attenuated from them are not listed.";
  static override flags = {
    key: keyFlag,
    all: Flags.boolean({ description: "also list revoked tokens, and tokens that expired in the last 30 days" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(TokenList);
    const { ledger } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "list tokens");
    const tokens = await ledger.tokens.list({ all: flags.all });
    const now = this.context.now();
    const json = tokens.map(({ isRevoked, ...token }) => ({ ...token, revoked: isRevoked }));
    this.print(json, () =>
      table(
        ["TOKEN", "UNTIL", "RESTRICTED TO", "NOTE"],
        tokens.map(({ id, isRevoked, expires, caveats, note }) => [
          id,
          isRevoked ? "revoked" : expires <= now ? "expired" : `${expires.toISOString().slice(0, 16)}Z`,
          caveats.filter((caveat) => !caveat.startsWith("time-before")).join(", ") || "-",
          note ?? "-",
        ]),
        flags.all ? "No tokens." : "No active tokens.",
      ),
    );
  }
}
