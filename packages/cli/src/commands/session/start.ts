import { Flags } from "@oclif/core";
import { openAuthority, SESSION_VARIABLE, startSession } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { ttlFlag, ttlOf } from "../../flags/token-flags.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class SessionStart extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Start a session: approvals last until it ends";
  static override needsPerson = "mints" as const;
  static override description = "Prints a line for your shell to evaluate. The session lasts 8 hours by default.";
  static override examples = ['eval "$(agent-vault session start --ttl 2h --parent $$)"'];
  static override flags = {
    key: keyFlag,
    ttl: ttlFlag,
    name: Flags.string({ description: "a name for the session", helpValue: "NAME" }),
    parent: Flags.integer({ description: "end the session with this process, such as $$ for the shell", min: 1, helpValue: "PID" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(SessionStart);
    const { name, parent } = flags;
    const authority = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "start a session");
    const { id, harness, started, expires } = await startSession(this.context, authority, { ttlMs: ttlOf(flags), name, parent });
    this.context.note?.(`Session ${id} lasts until ${expires.toISOString()}.`);
    this.print({ id, name, harness, parent, started, expires }, () => [`export ${SESSION_VARIABLE}=${id}`]);
  }
}
