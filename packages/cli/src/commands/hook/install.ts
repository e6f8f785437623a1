import process from "node:process";
import { installHook } from "@agent-vault/hooks";
import { whyNotInstalled } from "../../advice/hook-not-installed.js";
import { programCommand } from "../../program-command.js";
import { VaultCommand } from "../../vault-command.js";

export default class HookInstall extends VaultCommand {
  static override helpGroup = "git" as const;
  static override summary = "Install the pre-commit hook in this repository";
  static override needsPerson = "never" as const;
  static override description =
    "Fits in with the repository's other hooks. Exits with 1 if you have to add it yourself. Also registers the merge driver for the vault, and the hooks that note what is pushed and sign merges.";
  static override allowsToken = true;

  async run(): Promise<void> {
    await this.parseCommandLine(HookInstall);
    const hook = await installHook(this.context, this.context.cwd, { command: programCommand() });
    if (!hook.installed) process.exitCode = 1;
    this.print(hook, () =>
      hook.installed ? [`Installed the pre-commit hook in ${hook.file} (${hook.method}).`] : whyNotInstalled(hook).split("\n"),
    );
  }
}
