import process from "node:process";
import { exitCodeOf } from "@agent-vault/vault";
import { examine } from "../doctor/examine.js";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

/** `agent-vault doctor`: check this installation and suggest fixes. */
export default class Doctor extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Check this installation and suggest fixes";
  static override description =
    "Checks versions, keys and their permissions, trust, clock, git, hook and audit log. Exits with 5 if there are errors.";
  static override flags = { key: keyFlag };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Doctor);
    await this.config.load();
    const found = await examine(this.context, this.config.version, keyChoice(flags.key));
    this.print(found, function* () {
      for (const { subject, state, message, remedy } of found) {
        yield `${state.padEnd(8)}${subject.padEnd(12)}${message}`;
        if (remedy) yield `${" ".repeat(20)}${remedy}`;
      }
    });
    if (found.some(({ state }) => state === "error")) process.exitCode = exitCodeOf("CHECK_FAILED");
  }
}
