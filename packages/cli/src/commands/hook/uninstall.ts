import { uninstallHook } from "@agent-vault/hooks";
import { VaultCommand } from "../../vault-command.js";

/** `agent-vault hook uninstall`: remove the pre-commit hook. Other hooks stay as they are. */
export default class HookUninstall extends VaultCommand {
  static override helpGroup = "git" as const;
  static override summary = "Remove the pre-commit hook";
  static override description = "Other hooks stay as they are.";
  static override allowsToken = true;

  async run(): Promise<void> {
    await this.parseCommandLine(HookUninstall);
    const hook = await uninstallHook(this.context, this.context.cwd);
    this.print(hook, () => ["The pre-commit hook is not installed."]);
  }
}
