import { realpathSync } from "node:fs";
import process from "node:process";

/** How a hook starts this very program where `agent-vault` is not on its PATH. */
export function hookCommand(): string[] {
  return [process.execPath, realpathSync(process.argv[1]!)];
}
