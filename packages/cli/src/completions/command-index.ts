import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CompletionKind } from "./completion-kind.js";

/** What completion needs of oclif's manifest, which the build writes from the static properties of the commands. */
export interface CommandEntry {
  readonly summary?: string;
  readonly hidden?: boolean;
  /** Where this is false, the last argument repeats. */
  readonly strict: boolean;
  /** In the order in which they stand on the command line. */
  readonly args: Readonly<Record<string, unknown>>;
  /** What completes each argument. */
  readonly completes: Readonly<Record<string, CompletionKind>>;
  readonly flags: Readonly<Record<string, FlagEntry>>;
}

/** A flag in oclif's manifest. */
export interface FlagEntry {
  readonly name: string;
  readonly type: "boolean" | "option";
  readonly char?: string;
  /** Former names, which are not offered. */
  readonly aliases?: readonly string[];
  readonly description?: string;
  readonly hidden?: boolean;
  readonly multiple?: boolean;
  readonly delimiter?: string;
  readonly helpValue?: string;
  readonly options?: readonly string[];
}

/** Every command by its name, such as `hook install`. Reading it takes a fraction of what loading a command takes. */
export function readCommandIndex(root: string): Map<string, CommandEntry> {
  const manifest = JSON.parse(readFileSync(join(root, "oclif.manifest.json"), "utf8")) as { commands: Record<string, CommandEntry> };
  return new Map(Object.entries(manifest.commands).map(([id, command]) => [id.replaceAll(":", " "), command]));
}
