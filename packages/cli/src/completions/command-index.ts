import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The part of oclif's manifest, which the build writes from the command classes, that completion needs. */
export interface CommandEntry {
  readonly description?: string;
  readonly hidden?: boolean;
  /** Where this is false, the last argument repeats. */
  readonly strict: boolean;
  /** In the order in which they stand on the command line. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, FlagEntry>>;
}

export interface FlagEntry {
  readonly name: string;
  readonly type: "boolean" | "option";
  readonly char?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly multiple?: boolean;
  readonly delimiter?: string;
  readonly helpValue?: string;
  readonly options?: readonly string[];
}

/** Every command by its words, as `hook install`. Reading it takes a fraction of what loading a command takes. */
export function readCommandIndex(root: string): Map<string, CommandEntry> {
  const manifest = JSON.parse(readFileSync(join(root, "oclif.manifest.json"), "utf8")) as { commands: Record<string, CommandEntry> };
  return new Map(Object.entries(manifest.commands).map(([id, command]) => [id.replaceAll(":", " "), command]));
}
