import { parseClient, uninstallFrom } from "@agent-vault/mcp/install";
import { VaultCommand } from "../../vault-command.js";
import { installationFlags } from "./install.js";

export default class McpUninstall extends VaultCommand {
  static override id = "mcp uninstall";
  static override description =
    "Take the MCP server out of the configuration of an agent's program again, and leave everything else there.";
  static override examples = ["agent-vault mcp uninstall --client claude-code"];
  static override flags = installationFlags;

  async run(): Promise<void> {
    const { flags } = await this.words(McpUninstall);
    const { file, change } = uninstallFrom(this.context, { client: parseClient(flags.client), name: flags.name });
    this.print({ client: flags.client, file, change }, function* () {
      yield change === "removed" ? `Taken out of ${file}.` : `${file} does not have it.`;
    });
  }
}
