import { move } from "@agent-vault/vault";
import { argument, dryRunFlag, keyFlag, secretArgument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Move extends VaultCommand {
  static override helpGroup = "secrets" as const;
  static override summary = "Move a secret to another path";
  static override needsPerson = "signs" as const;
  static override description = "In another group, the agents of that group can read it.";
  static override args = {
    from: secretArgument,
    to: argument({ description: "the new path", required: true }),
  };
  static override flags = { key: keyFlag, "dry-run": dryRunFlag };
  static override completes = { from: "secrets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Move);
    const moved = await move(this.context, { ...(await this.change(flags)), ...args });
    this.print(moved, function* () {
      yield `${flags["dry-run"] ? "Would move" : "Moved"} ${moved.from} to ${moved.to}.`;
      if (moved.gained.length > 0) yield `Now readable by: ${moved.gained.join(", ")}.`;
      if (moved.lost.length > 0)
        yield `No longer readable by: ${moved.lost.join(", ")}. They may still know the value, so rotate it where it was issued.`;
    });
  }
}
