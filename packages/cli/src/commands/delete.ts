import { deleteSecret } from "@agent-vault/vault";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class Delete extends VaultCommand {
  static override id = "delete";
  static override description = "Remove a secret. Its values stay in git's history, for those who could read them.";
  static override args = { path: word({ description: "the secret, as group/name", required: true }) };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Delete);
    const deleted = await deleteSecret(this.context, { ...(await this.change(flags)), path: args.path });
    this.print(deleted, function* () {
      yield `${flags["dry-run"] ? "Would delete" : "Deleted"} ${deleted.secret}.`;
      yield `Its values stay in git's history, readable to the owners${deleted.agents.length > 0 ? ` and to ${deleted.agents.join(", ")}` : ""}: revoke it where it was issued.`;
    });
  }
}
