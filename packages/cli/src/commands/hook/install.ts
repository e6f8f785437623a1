import { installHook } from "@agent-vault/hooks";
import { hookCommand } from "../../hook-command.js";
import { VaultCommand } from "../../vault-command.js";

export default class HookInstall extends VaultCommand {
  static override id = "hook install";
  static override description = "Install the pre-commit check in this repository, the way that fits its hooks.";

  async run(): Promise<void> {
    await this.words(HookInstall);
    const hook = await installHook(this.context, this.context.cwd, { command: hookCommand() });
    this.print(hook, () =>
      hook.installed
        ? [`The pre-commit check is installed in ${hook.file} (${hook.method}).`]
        : [
            `Nothing was written, since ${hook.file} ${hook.method === "outside" ? "lies outside this repository" : "cannot be added to safely"}. Add this to it:`,
            "",
            ...(hook.manual ?? "").split("\n"),
          ],
    );
  }
}
