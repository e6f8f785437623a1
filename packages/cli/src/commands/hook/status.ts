import process from "node:process";
import { hookStatus, mergeDriverStatus, type MergeDriverStatus } from "@agent-vault/hooks";
import { VaultCommand } from "../../vault-command.js";

export default class HookStatus extends VaultCommand {
  static override helpGroup = "git" as const;
  static override summary = "Show whether the pre-commit hook is installed";
  static override needsPerson = "never" as const;
  static override description = "Exits with 1 if it is not.";
  static override allowsToken = true;

  async run(): Promise<void> {
    await this.parseCommandLine(HookStatus);
    const hook = await hookStatus(this.context, this.context.cwd);
    const mergeDriver = await mergeDriverStatus(this.context, this.context.cwd);
    if (!hook.installed) process.exitCode = 1;
    this.print({ ...hook, merge_driver: mergeDriver }, () => [
      hook.installed
        ? `The pre-commit hook is installed in ${hook.file} (${hook.method}).`
        : "The pre-commit hook is not installed. Install it with agent-vault hook install.",
      DRIVER_STATUS[mergeDriver],
    ]);
  }
}

const DRIVER_STATUS: Readonly<Record<MergeDriverStatus, string>> = {
  registered: "The merge driver is registered.",
  "not-registered": "The merge driver is not registered. Register it with agent-vault hook install.",
  "other-version": "The merge driver is of another version of agent-vault. Update it with agent-vault hook install.",
  "program-gone": "The merge driver names an agent-vault that is not there any more. Update it with agent-vault hook install.",
};
