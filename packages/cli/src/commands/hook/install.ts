import process from "node:process";
import { installHook } from "@agent-vault/hooks";
import { hookCommand, whyNotInstalled } from "../../findings/hook-command.js";
import { VaultCommand } from "../../vault-command.js";

export default class HookInstall extends VaultCommand {
  static override id = "hook install";
  static override description =
    "Install the pre-commit check in this repository, the way that fits its hooks. Exits with 1 where it has to be added by hand.";

  async run(): Promise<void> {
    await this.words(HookInstall);
    const hook = await installHook(this.context, this.context.cwd, { command: hookCommand() });
    if (!hook.installed) process.exitCode = 1;
    this.print(hook, () =>
      hook.installed ? [`The pre-commit check is installed in ${hook.file} (${hook.method}).`] : whyNotInstalled(hook).split("\n"),
    );
  }
}
