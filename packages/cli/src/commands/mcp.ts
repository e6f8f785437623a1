import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Flags } from "@oclif/core";
import { serve } from "@agent-vault/mcp";
import {
  agentKeyFile,
  agentKeyFileOf,
  parseRepositoryUrl,
  processContext,
  resolvePath,
  VaultError,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault";
import { idleLockOf, mcpFlags } from "../flags/mcp-flags.js";
import { findVaultToRead } from "../terminal/terminal-context.js";
import { noPullFlag, tokenFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Mcp extends VaultCommand {
  static override helpGroup = "setup" as const;
  static override summary = "Serve an agent over MCP";
  static override needsPerson = "never" as const;
  static override description =
    "Speaks MCP on standard input and output. The agent can list secrets, run commands with them and ask for missing ones, without seeing their values. The agent's program starts the server: see agent-vault mcp install.";
  static override examples = [
    "agent-vault mcp --agent claude",
    "agent-vault mcp -C ~/shop --agent claude --groups stripe,db --idle-lock 30m",
    "agent-vault mcp install --client claude-code --agent claude",
  ];
  static override flags = {
    ...mcpFlags,
    token: tokenFlag,
    repo: Flags.string({ description: "the repository with the vault, a folder or a URL; the same as -C", helpValue: "DIR" }),
    "no-pull": noPullFlag,
  };
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Mcp);
    const context = serverContext(this.context, flags.repo, flags.token);
    const keyFile = flags.key === undefined ? undefined : resolvePath(context, flags.key);
    if (process.stdin.isTTY) context.warn("An agent's program starts this server: see agent-vault mcp install. Press Ctrl-D to end it.");
    await serve(context, {
      version: versionIn(this.config.options.root),
      groups: flags.groups,
      allowGet: flags["allow-get"],
      idleLockMs: idleLockOf(flags["idle-lock"]),
      pull: !flags["no-pull"],
      findVault: () => findVaultToRead(context, { key: keyBefore(context, flags.agent, keyFile) }),
      key: (root): KeyChoice => {
        if (flags.agent !== undefined) return { keyFile: agentKeyFileOf(context, root, flags.agent) };
        return keyFile === undefined ? {} : { keyFile };
      },
      ownerKey: flags["owner-key"] === undefined ? undefined : { keyFile: resolvePath(context, flags["owner-key"]) },
    });
    // The client has gone, so an open dialog or a slow remote need not be waited for.
    process.exit(0);
  }
}

/** The key before the vault is known: an agent's file without the vault's id. */
function keyBefore(context: Context, agent: string | undefined, keyFile: string | undefined): KeyChoice {
  const file = agent === undefined ? keyFile : agentKeyFile(context, agent);
  return file === undefined || !existsSync(file) ? {} : { keyFile: file };
}

/** @param root the folder of this package; oclif's configuration is not loaded for a command */
function versionIn(root: string): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

/** A server has no terminal, even if its client was started on one: it asks nobody for a passphrase and shows no progress. */
function serverContext(context: Context, repo: string | undefined, token: string | undefined): Context {
  const repositoryUrl = repo === undefined ? context.repositoryUrl : parseRepositoryUrl(repo);
  const cwd = repo === undefined || repositoryUrl ? context.cwd : resolvePath(context, repo);
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new VaultError("FILE_NOT_FOUND", `There is no folder ${cwd}.`, { remedy: "Check the path given with --repo." });
  const env = { ...context.env, ...(token !== undefined && { AGENT_VAULT_TOKEN: token }) };
  const { passphrase, isUnattended } = context;
  return processContext({
    cwd,
    env,
    repositoryUrl,
    warn: (message) => context.warn(message),
    ...(isUnattended && { passphrase, isUnattended }),
  });
}
