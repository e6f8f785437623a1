import process from "node:process";
import { hookStatus } from "@agent-vault/hooks";
import { VaultCommand } from "../../vault-command.js";

export default class HookStatus extends VaultCommand {
  static override id = "hook status";
  static override description = "Say whether the pre-commit check is installed, and where. Exits with 1 where it is not.";

  async run(): Promise<void> {
    await this.words(HookStatus);
    const hook = await hookStatus(this.context, this.context.cwd);
    if (!hook.installed) process.exitCode = 1;
    this.print(hook, () => [
      hook.installed
        ? `The pre-commit check is installed in ${hook.file} (${hook.method}).`
        : "The pre-commit check is not installed. Install it with agent-vault hook install.",
    ]);
  }
}
