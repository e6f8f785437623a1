import { isAbsolute } from "node:path";
import process from "node:process";
import type { Context } from "@agent-vault/vault/read-only";

/**
 * The command that has a shell run a line, which is `command` with spaces in between, as ssh does it: the person's own shell, else
 * `/bin/sh`; `cmd` on Windows. What is asked about, recorded and run is so the same.
 */
export function shellCommand(command: readonly string[], env: Context["env"], platform: NodeJS.Platform = process.platform): string[] {
  const line = command.join(" ");
  if (platform === "win32") return [env["ComSpec"] || env["COMSPEC"] || "cmd.exe", "/d", "/s", "/c", `"${line}"`];
  const shell = env["SHELL"];
  return [shell && isAbsolute(shell) ? shell : "/bin/sh", "-c", line];
}
