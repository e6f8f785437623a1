import { deleteSecret } from "@agent-vault/vault";
import { dryRunFlag, keyFlag, secretArgument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Delete extends VaultCommand {
  static override helpGroup = "secrets" as const;
  static override summary = "Delete a secret";
  static override needsPerson = "signs" as const;
  static override description = "Its past values stay in git's history, for everyone who could read them.";
  static override args = { path: secretArgument };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };
  static override completes = { path: "secrets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Delete);
    const deleted = await deleteSecret(this.context, { ...(await this.change(flags)), path: args.path });
    this.print(deleted, function* () {
      yield `${flags["dry-run"] ? "Would delete" : "Deleted"} ${deleted.secret}.`;
      yield `Its values stay in git's history, where the owners${deleted.agents.length > 0 ? ` and ${deleted.agents.join(", ")}` : ""} can read them. Revoke it where it was issued.`;
    });
  }
}
