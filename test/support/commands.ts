import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { VaultCommand } from "#cli/vault-command.js";

const FOLDER = resolve(import.meta.dirname, "../../packages/cli/src/commands");

/** The class of every command, by the command's name. */
export async function allCommands(): Promise<ReadonlyMap<string, typeof VaultCommand>> {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const commands = files.map(async (file): Promise<[string, typeof VaultCommand]> => {
    const { default: Command } = (await import(join(FOLDER, file))) as { default: typeof VaultCommand };
    return [file.slice(0, -".ts".length).replaceAll(/[/\\]/g, " "), Command];
  });
  return new Map((await Promise.all(commands)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
