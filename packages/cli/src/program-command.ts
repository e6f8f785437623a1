import { realpathSync } from "node:fs";
import process from "node:process";

/** The command line of this program, for git hooks and MCP clients that start it. */
export function programCommand(): [command: string, program: string] {
  return [process.execPath, realpathSync(process.argv[1]!)];
}
