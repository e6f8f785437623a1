import { move } from "@agent-vault/vault";
import { dryRunFlag, keyFlag, VaultCommand, word } from "../vault-command.js";

export default class Move extends VaultCommand {
  static override id = "move";
  static override description = "Give a secret another path. In another group, that group's agents read it.";
  static override args = {
    from: word({ description: "the secret, as group/name", required: true }),
    to: word({ description: "its new path", required: true }),
  };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.words(Move);
    const moved = await move(this.context, { ...(await this.change(flags)), ...args });
    this.print(moved, function* () {
      yield `${flags["dry-run"] ? "Would move" : "Moved"} ${moved.from} to ${moved.to}.`;
      if (moved.gained.length > 0) yield `Newly reads it: ${moved.gained.join(", ")}.`;
      if (moved.lost.length > 0)
        yield `No longer reads it: ${moved.lost.join(", ")}. What they have seen stays seen: rotate it at the source.`;
    });
  }
}
