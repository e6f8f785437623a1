import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { Flags } from "@oclif/core";
import { CLIENTS, installIn, parseClient } from "@agent-vault/mcp/install";
import {
  agentKeyFileOf,
  findVault,
  openState,
  parseAgentName,
  parseGroupName,
  resolvePath,
  VaultError,
  type Context,
} from "@agent-vault/vault";
import { idleLockOf, mcpFlags } from "../../flags/mcp-flags.js";
import { programCommand } from "../../program-command.js";
import { VaultCommand } from "../../vault-command.js";

const clientFlag = Flags.string({ description: "the agent's program", options: [...CLIENTS], required: true });
const nameFlag = Flags.string({ description: "the name of the server in the program", default: "agent-vault", helpValue: "NAME" });
/** The flags that `mcp install` and `mcp uninstall` have in common. */
export const installationFlags = { client: clientFlag, name: nameFlag };

export default class McpInstall extends VaultCommand {
  static override helpGroup = "setup" as const;
  static override summary = "Add the MCP server to an agent's program";
  static override needsPerson = "never" as const;
  static override description =
    "Adds the server for this repository to the program's configuration, and changes nothing else there. No key and no token is written.";
  static override examples = [
    "agent-vault mcp install --client claude-code --agent claude",
    "agent-vault mcp install --client codex --agent codex --groups stripe --idle-lock 30m",
    "agent-vault mcp install --client cursor --print",
  ];
  static override flags = {
    ...installationFlags,
    ...mcpFlags,
    print: Flags.boolean({ description: "print what would be written, but do not write it" }),
  };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(McpInstall);
    idleLockOf(flags["idle-lock"]);
    const root = findVault(this.context);
    if (flags.agent !== undefined) await requireAgentHere(this.context, root, flags.agent, flags.print);
    const repository = dirname(root);
    const [command, program] = programCommand();
    const installed = installIn(this.context, {
      client: parseClient(flags.client),
      name: flags.name,
      command,
      args: ["--", program, "mcp", "-C", repository, ...serverFlags(this.context, flags)],
      dryRun: flags.print,
    });
    this.print(installed, function* () {
      if (flags.print) yield* installed.text.trimEnd().split("\n");
      else if (installed.change === "unchanged") yield `${installed.file} already has the server.`;
      else yield `${installed.change === "added" ? "Added to" : "Updated in"} ${installed.file}. Restart ${flags.client} to use it.`;
    });
  }
}

/** A server that acts for an agent needs its key on the machine where the client starts it. @throws VaultError `AGENT_NOT_FOUND`, `NO_KEY` */
async function requireAgentHere(context: Context, root: string, name: string, isForAnotherPlace: boolean): Promise<void> {
  const agent = (await openState(context, root)).manifest.requireAgent(name);
  const file = agentKeyFileOf(context, root, agent);
  if (isForAnotherPlace || existsSync(file)) return;
  throw new VaultError("NO_KEY", `The key of agent ${agent} is not on this machine: ${file} does not exist.`, {
    remedy: `Bring the file from the machine where it was made, or have an owner write it here: agent-vault restore-agent ${agent}.`,
  });
}

interface ServerFlags {
  readonly agent?: string | undefined;
  readonly key?: string | undefined;
  readonly "owner-key"?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly "allow-get": boolean;
  readonly "idle-lock"?: string | undefined;
}

/** Absolute paths, since a client may start the server in any folder. */
function serverFlags(context: Context, flags: ServerFlags): string[] {
  const { agent, key, groups, "owner-key": ownerKey, "idle-lock": idleLock } = flags;
  return [
    ...(agent === undefined ? [] : ["--agent", parseAgentName(agent)]),
    ...(key === undefined ? [] : ["--key", resolvePath(context, key)]),
    ...(ownerKey === undefined ? [] : ["--owner-key", resolvePath(context, ownerKey)]),
    ...(groups === undefined ? [] : ["--groups", groups.map(parseGroupName).join(",")]),
    ...(flags["allow-get"] ? ["--allow-get"] : []),
    ...(idleLock === undefined ? [] : ["--idle-lock", idleLock]),
  ];
}
