import { Flags } from "@oclif/core";
import { describeDifference, describeWidening, DivergedError, sync, plural } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Sync extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 9;
  static override summary = "Bring the vault and its remote together";
  static override needsPerson = "never" as const;
  static override description =
    "Verifies what the remote has and takes it over, then verifies what is here and pushes it. Code that both sides changed is joined by git; nothing is forced, and no commit is dropped.";
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
      const { pulledWidening, pushedWidening, ...rest } = result;
      const isNoted = this.context.note !== undefined;
      this.print({ ...rest, pulled_widening: pulledWidening, pushed_widening: pushedWidening }, function* () {
        const commits = (count: number) => plural(count, "commit");
        if (result.pulled > 0) yield `Pulled ${commits(result.pulled)} from ${result.upstream}.`;
        if (pulledWidening.length > 0) yield describeWidening("What came from there", pulledWidening);
        // On a terminal that was said before the push.
        if (pushedWidening.length > 0 && !isNoted) yield describeWidening("This push", pushedWidening);
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
