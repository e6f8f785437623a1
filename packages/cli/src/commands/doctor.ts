import process from "node:process";
import { exitCodeOf } from "@agent-vault/vault";
import { examine } from "../doctor/examine.js";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag, VaultCommand } from "../vault-command.js";

export default class Doctor extends VaultCommand {
  static override id = "doctor";
  static override description =
    "Look at all that agent-vault stands on (versions, keys and their modes, trust, clock, git, hook, audit log), and say what mends what is wrong. Exits with 5 where there are errors.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(Doctor);
    await this.config.load();
    const found = await examine(this.context, this.config.version, keyChoice(flags.key));
    this.print(found, function* () {
      for (const { subject, state, message, remedy } of found) {
        yield `${state.padEnd(8)}${subject.padEnd(12)}${message}.`;
        if (remedy) yield `${" ".repeat(20)}${remedy}`;
      }
    });
    if (found.some(({ state }) => state === "error")) process.exitCode = exitCodeOf("CHECK_FAILED");
  }
}
