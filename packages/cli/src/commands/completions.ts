import { VaultError } from "@agent-vault/vault/read-only";
import { isShell, SCRIPTS } from "../completions/shells.js";
import { VaultCommand, word } from "../vault-command.js";

export default class Completions extends VaultCommand {
  static override id = "completions";
  static override description = "Print the script that lets a shell complete agent-vault, with the names in the vault.";
  static override examples = [
    "source <(agent-vault completions bash)",
    "source <(agent-vault completions zsh)",
    "agent-vault completions fish | source",
    "agent-vault completions powershell | Out-String | Invoke-Expression",
  ];
  static override args = { shell: word({ description: "bash, zsh, fish or powershell", required: true }) };

  async run(): Promise<void> {
    const { shell } = (await this.words(Completions)).args;
    if (!isShell(shell)) {
      throw new VaultError("USAGE", `There is no completion for ${shell}.`, { remedy: "Name bash, zsh, fish or powershell." });
    }
    this.print({ shell, script: SCRIPTS[shell] }, () => [SCRIPTS[shell].trimEnd()]);
  }
}
