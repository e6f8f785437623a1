import { Flags } from "@oclif/core";
import { describeDifference, DivergedError, sync, plural } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

/** `agent-vault sync`: pull and push the vault. */
export default class Sync extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 9;
  static override summary = "Pull and push the vault";
  static override description = "Verifies what it pulls and pushes, and only fast-forwards: nothing is merged, reset or forced.";
  static override examples = ["agent-vault sync", "agent-vault sync --pull"];
  static override flags = {
    key: keyFlag,
    pull: Flags.boolean({ description: "only pull", exclusive: ["push"] }),
    push: Flags.boolean({ description: "only push" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Sync);
    try {
      const result = await sync(this.context, await this.findVault(), {
        key: keyChoice(flags.key),
        pull: !flags.push,
        push: !flags.pull,
      });
      this.print(result, function* () {
        const commits = (count: number) => plural(count, "commit");
        if (result.pulled > 0) yield `Pulled ${commits(result.pulled)} from ${result.upstream}.`;
        if (result.pushed > 0) yield `Pushed ${commits(result.pushed)} to ${result.upstream}.`;
        if (result.pulled + result.pushed === 0) yield `Up to date with ${result.upstream}.`;
      });
    } catch (error) {
      if (error instanceof DivergedError) {
        const { here, there } = error.divergence;
        this.context.warn(["Changed here:", ...describeDifference(here).map((line) => `  ${line}`)].join("\n"));
        this.context.warn(["Changed on the remote:", ...describeDifference(there).map((line) => `  ${line}`)].join("\n"));
      }
      throw error;
    }
  }
}
