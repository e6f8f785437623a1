import { VaultError } from "@agent-vault/vault/read-only";
import { isShell, SCRIPTS } from "../completions/shells.js";
import { argument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Completions extends VaultCommand {
  static override helpGroup = "setup" as const;
  static override summary = "Print a shell's completion script";
  static override needsPerson = "never" as const;
  static override description = "It completes commands, flags and the names in the vault.";
  static override examples = [
    "source <(agent-vault completions bash)",
    "source <(agent-vault completions zsh)",
    "agent-vault completions fish | source",
    "agent-vault completions powershell | Out-String | Invoke-Expression",
  ];
  static override args = { shell: argument({ description: "the shell: bash, zsh, fish or powershell", required: true }) };
  static override completes = { shell: "shells" } as const;

  async run(): Promise<void> {
    const { shell } = (await this.parseCommandLine(Completions)).args;
    if (!isShell(shell)) {
      throw new VaultError("USAGE", `There is no completion script for ${shell}.`, { remedy: "Use bash, zsh, fish or powershell." });
    }
    this.print({ shell, script: SCRIPTS[shell] }, () => [SCRIPTS[shell].trimEnd()]);
  }
}
