import process from "node:process";
import { Flags } from "@oclif/core";
import { check, exitCodeOf } from "@agent-vault/vault";
import { VaultCommand } from "../vault-command.js";
import { vaultFindings } from "../findings/print-findings.js";

export default class Check extends VaultCommand {
  static override id = "check";
  static override description =
    "Look for what is not as it should be: expiry, rotation, access, keys, stray files, changes that no owner signed. Needs no key. Exits with 5 where there are errors.";
  static override flags = { strict: Flags.boolean({ description: "take warnings for errors" }) };

  async run(): Promise<void> {
    const { flags } = await this.words(Check);
    const findings = await check(this.context, await this.findVault());
    const failed = findings.some(({ severity }) => flags.strict || severity === "error");
    this.print(findings, () => vaultFindings(findings));
    await this.#hintAtHook();
    if (failed) process.exitCode = exitCodeOf("CHECK_FAILED");
  }

  /** A fresh clone has no hooks; where nobody commits, as in CI, it needs none. */
  async #hintAtHook(): Promise<void> {
    if (this.context.env["CI"]) return;
    const { hookStatus } = await import("@agent-vault/hooks");
    const hook = await hookStatus(this.context, this.context.cwd).catch(() => undefined);
    if (hook && !hook.installed) this.context.warn("The pre-commit check is not installed in this clone: agent-vault hook install.");
  }
}
