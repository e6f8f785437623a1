import { openAuthority, SESSION_VARIABLE } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { argument, keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class SessionEnd extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "End a session";
  static override needsPerson = "never" as const;
  static override description = "Its approvals end, and tokens created in it are revoked.";
  static override args = { session: argument({ description: "the session's ID (default: the current session)" }) };
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(SessionEnd);
    const id = args.session ?? this.context.env[SESSION_VARIABLE];
    if (!id) throw new VaultError("USAGE", "There is no current session.", { remedy: "Name a session from agent-vault session list." });
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "end a session");
    const tokens = await ledger.sessions.end(id, requester);
    this.print({ id, tokens }, () => [
      `Ended session ${id}${tokens === 0 ? "" : ` and revoked ${tokens === 1 ? "its token" : `its ${tokens} tokens`}`}.`,
    ]);
  }
}
