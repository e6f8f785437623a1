import { hookStatus, uninstallHook } from "@agent-vault/hooks";
import { VaultCommand } from "../../vault-command.js";

export default class HookUninstall extends VaultCommand {
  static override helpGroup = "git" as const;
  static override summary = "Remove the pre-commit hook";
  static override needsPerson = "never" as const;
  static override description = "Other hooks stay as they are.";
  static override allowsToken = true;

  async run(): Promise<void> {
    await this.parseCommandLine(HookUninstall);
    const before = await hookStatus(this.context, this.context.cwd);
    const hook = await uninstallHook(this.context, this.context.cwd);
    this.print(hook, () => [
      before.installed ? `Removed the pre-commit hook from ${before.file}.` : "The pre-commit hook was not installed.",
    ]);
  }
}
