import { parseClient, uninstallFrom } from "@agent-vault/mcp/install";
import { VaultCommand } from "../../vault-command.js";
import { installationFlags } from "./install.js";

export default class McpUninstall extends VaultCommand {
  static override helpGroup = "setup" as const;
  static override summary = "Remove the MCP server from an agent's program";
  static override needsPerson = "never" as const;
  static override description = "Changes nothing else in the program's configuration.";
  static override examples = ["agent-vault mcp uninstall --client claude-code"];
  static override flags = installationFlags;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(McpUninstall);
    const { file, change } = uninstallFrom(this.context, { client: parseClient(flags.client), name: flags.name });
    this.print({ client: flags.client, file, change }, function* () {
      yield change === "removed" ? `Removed from ${file}.` : `${file} does not have the server.`;
    });
  }
}
