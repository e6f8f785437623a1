import { join } from "node:path";
import { homeOf, VaultError, type Context } from "@agent-vault/vault/read-only";

/** A program that starts MCP servers, and where it looks up which. */
interface ClientConfiguration {
  readonly format: "json" | "toml";
  /** The part of its configuration that names servers. */
  readonly section: string;
  /** Fields of an entry beside the command and its arguments. */
  readonly extraFields?: Readonly<Record<string, string>>;
  file(folders: ClientFolders): string;
}

/** Where clients keep their configuration. */
interface ClientFolders {
  readonly home: string;
  /** The folder where programs of this system keep their settings. */
  readonly settings: string;
  readonly env: Context["env"];
}

const servers = { format: "json", section: "mcpServers" } as const;

const KNOWN = {
  "claude-code": {
    ...servers,
    extraFields: { type: "stdio" },
    file: ({ home, env }) => join(env["CLAUDE_CONFIG_DIR"] || home, ".claude.json"),
  },
  "claude-desktop": { ...servers, file: ({ settings }) => join(settings, "Claude", "claude_desktop_config.json") },
  cursor: { ...servers, file: ({ home }) => join(home, ".cursor", "mcp.json") },
  vscode: {
    format: "json",
    section: "servers",
    extraFields: { type: "stdio" },
    file: ({ settings }) => join(settings, "Code", "User", "mcp.json"),
  },
  codex: {
    format: "toml",
    section: "mcp_servers",
    file: ({ home, env }) => join(env["CODEX_HOME"] || join(home, ".codex"), "config.toml"),
  },
  gemini: { ...servers, file: ({ home }) => join(home, ".gemini", "settings.json") },
} satisfies Record<string, ClientConfiguration>;

/** A client whose configuration is known. */
export type ClientName = keyof typeof KNOWN;
/** All of them, for help and completion. */
export const CLIENTS = Object.keys(KNOWN) as readonly ClientName[];

/** @throws VaultError `USAGE` */
export function parseClient(name: string): ClientName {
  const found = CLIENTS.find((client) => client === name);
  if (found) return found;
  throw new VaultError("USAGE", `There is no client ${JSON.stringify(name)}.`, { remedy: `Use one of ${CLIENTS.join(", ")}.` });
}

/** Where and how a client takes its servers from. */
export function clientConfiguration(
  name: ClientName,
  { env }: Pick<Context, "env">,
  platform: NodeJS.Platform,
): Omit<ClientConfiguration, "file"> & { file: string } {
  const home = homeOf(env);
  const settings =
    platform === "darwin"
      ? join(home, "Library", "Application Support")
      : platform === "win32"
        ? env["APPDATA"] || join(home, "AppData", "Roaming")
        : env["XDG_CONFIG_HOME"] || join(home, ".config");
  const client: ClientConfiguration = KNOWN[name];
  return { ...client, file: client.file({ home, settings, env }) };
}
