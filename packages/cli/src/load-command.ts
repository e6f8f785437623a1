import { commandFile } from "./find-command.js";
import type { VaultCommand } from "./vault-command.js";

/** Loads the one command that is called. @param id as `findCommand` returns it */
export async function loadCommand(id: string): Promise<typeof VaultCommand> {
  const { default: Command } = (await import(commandFile(id).href)) as { default: typeof VaultCommand };
  Command.id = id;
  return Command;
}
