import { openAuthority, SESSION_VARIABLE } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag, VaultCommand, word } from "../../vault-command.js";

export default class SessionEnd extends VaultCommand {
  static override id = "session end";
  static override description = "End a session: its approvals are forgotten, and the tokens that were minted in it are revoked.";
  static override args = { session: word({ description: "its id; the session that you are in unless given" }) };
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(SessionEnd);
    const id = args.session ?? this.context.env[SESSION_VARIABLE];
    if (!id) throw new VaultError("USAGE", "You are in no session.", { remedy: "Name one that agent-vault session info lists." });
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "end a session");
    const tokens = await ledger.sessions.end(id, requester);
    this.print({ id, tokens }, () => [
      `Ended session ${id}${tokens === 0 ? "" : ` and revoked ${tokens === 1 ? "its token" : `its ${tokens} tokens`}`}.`,
    ]);
  }
}
