import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import process from "node:process";
import { holdsKey, isSystemError, replaceFile, VaultError, writeError, type Context } from "@agent-vault/vault/read-only";
import { clientConfiguration, type ClientName } from "./clients.js";
import { jsonWith } from "./json-entry.js";
import { tomlWith } from "./toml-entry.js";

/** How a client starts a server. */
export interface Entry {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where to write the server, and under which name. */
export interface InstallRequest extends Entry {
  readonly client: ClientName;
  /** What the client calls the server. */
  readonly name: string;
  /** Say what would be written, and write nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What was done to the configuration of a client. */
export interface Installation {
  readonly client: ClientName;
  readonly file: string;
  readonly change: "added" | "updated" | "removed" | "unchanged";
  /** The part of the file that is about the server, in its format. */
  readonly text: string;
}

/**
 * Writes the server into a client's configuration, and leaves everything else there as it is.
 * @throws VaultError `INVALID_KEY` where a key or a token is among the words, `CONFLICT` where another server has the name, or the file was changed meanwhile; `INVALID_VALUE` for a file that cannot be
 *   changed without a loss; `UNWRITABLE`, `DISK_FULL`
 */
export function installIn(
  context: Context,
  { client, name, command, args, dryRun }: InstallRequest,
  platform = process.platform,
): Installation {
  if ([name, command, ...args].some(holdsKey)) {
    throw new VaultError(
      "INVALID_KEY",
      "A key or a token was given where a name or the path of a file belongs, and no client's file may hold one.",
      {
        remedy: "Save the key in a file of mode 0600 and name that file.",
      },
    );
  }
  const { file, format, section, extraFields } = clientConfiguration(client, context, platform);
  const entry = { ...extraFields, command, args };
  const edit = format === "json" ? jsonWith : tomlWith;
  const alone = edit("", [section, name], entry).text;
  if (dryRun) return { client, file, change: "unchanged", text: alone };
  const present = read(file);
  const { text, before } = editing(file, () => edit(present ?? "", [section, name], entry));
  if (before !== undefined) requireOurs(before, name, file);
  const change = before === undefined ? "added" : text === present ? "unchanged" : "updated";
  if (change !== "unchanged") write(file, present, text);
  return { client, file, change, text: alone };
}

/** Takes the server out again; where it is not in, nothing is done. @throws VaultError as {@link installIn} */
export function uninstallFrom(
  context: Context,
  { client, name }: Pick<InstallRequest, "client" | "name">,
  platform = process.platform,
): Installation {
  const { file, format, section } = clientConfiguration(client, context, platform);
  const edit = format === "json" ? jsonWith : tomlWith;
  const present = read(file);
  const { text, before } =
    present === undefined ? { text: "", before: undefined } : editing(file, () => edit(present, [section, name], undefined));
  if (before === undefined) return { client, file, change: "unchanged", text: "" };
  requireOurs(before, name, file);
  // An empty file means the same as none.
  if (text.trim() === "") rmSync(file);
  else write(file, present, text);
  return { client, file, change: "removed", text: "" };
}

/** The entry is another program's unless it starts agent-vault's server. */
function requireOurs(entry: unknown, name: string, file: string): void {
  const { command, args } = (entry ?? {}) as { command?: unknown; args?: unknown };
  const words = [command, ...(Array.isArray(args) ? (args as unknown[]) : [])].filter((word) => typeof word === "string");
  const isOurs = words.includes("mcp") && words.some((word) => /^agent-vault(?:\.js|\.cmd)?$/.test(basename(word)));
  if (isOurs) return;
  throw new VaultError("CONFLICT", `${file} already has another server named ${name}.`, {
    remedy: "Use another name: --name NAME.",
  });
}

function editing<T>(file: string, edit: () => T): T {
  try {
    return edit();
  } catch (cause) {
    throw new VaultError("INVALID_VALUE", `${file} was not changed, because it is damaged or has a form that cannot be edited safely.`, {
      remedy: "Add the server by hand: agent-vault mcp install --print shows the entry.",
      cause,
    });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return undefined;
    throw new VaultError("FILE_NOT_FOUND", `${file} could not be read.`, { remedy: "Check its permissions.", cause });
  }
}

/** Replaces the whole file at once. A link is kept, and so are the file's permissions. */
function write(file: string, before: string | undefined, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const target = existsSync(file) ? realpathSync(file) : file;
    replaceFile(target, text, {
      mode: before === undefined ? 0o600 : statSync(target).mode & 0o777,
      durable: true,
      beforeReplacing() {
        if (read(file) === before) return;
        throw new VaultError("CONFLICT", `${file} was changed by another program at the same time.`, { remedy: "Run the command again." });
      },
    });
  } catch (error) {
    throw writeError(error, file);
  }
}
