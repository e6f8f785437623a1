import process from "node:process";
import { Flags } from "@oclif/core";
import { check, exitCodeOf, type Finding } from "@agent-vault/vault";
import { VaultCommand } from "../vault-command.js";
import { formatVaultFindings } from "../findings/vault-findings.js";

export default class Check extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Check the vault for problems";
  static override needsPerson = "never" as const;
  static override description =
    "Finds expired secrets, overdue rotation, unexpected access, invalid keys, stray files and unsigned changes. Needs no key. Exits with 5 if there are errors.";
  static override flags = { strict: Flags.boolean({ description: "treat warnings as errors" }) };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Check);
    const findings = await check(this.context, await this.findVault());
    const failed = findings.some(({ severity }) => flags.strict || severity === "error");
    const messages = (severity: Finding["severity"]) => findings.filter((one) => one.severity === severity).map(({ message }) => message);
    const result = { errors: messages("error"), warnings: messages("warning"), findings };
    this.print(result, () => formatVaultFindings(findings));
    await this.#suggestHook();
    if (failed) process.exitCode = exitCodeOf("CHECK_FAILED");
  }

  /** A fresh clone has no hooks. It needs none where nothing is committed, as in CI. */
  async #suggestHook(): Promise<void> {
    if (this.context.env["CI"]) return;
    const { hookStatus } = await import("@agent-vault/hooks");
    const hook = await hookStatus(this.context, this.context.cwd).catch(() => undefined);
    if (hook && !hook.installed)
      this.context.warn("The pre-commit hook is not installed in this clone. Install it with agent-vault hook install.");
  }
}
