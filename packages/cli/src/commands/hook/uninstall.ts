import { uninstallHook } from "@agent-vault/hooks";
import { VaultCommand } from "../../vault-command.js";

export default class HookUninstall extends VaultCommand {
  static override id = "hook uninstall";
  static override description = "Take the pre-commit check out again; what was there before stays as it was.";

  async run(): Promise<void> {
    await this.words(HookUninstall);
    const hook = await uninstallHook(this.context, this.context.cwd);
    this.print(hook, () => ["The pre-commit check is not installed any more."]);
  }
}
