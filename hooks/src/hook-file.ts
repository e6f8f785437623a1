import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { type Context, isSystemError, replaceFile, VaultError } from "@agent-vault/vault/read-only";
import { isShellScript, scriptBlock, type HookEvent } from "./hook-script.js";
import { findBlock, insertBlock, removeBlock, replaceBlock } from "./marked-block.js";

/** The program that runs a hook file: git, by its first line and only where it is executable; or husky, always with sh. */
export type Runner = "git" | "husky";

/** The beginning of a hook that did not exist before. */
const OWN_HEADER = "#!/bin/sh\n# Made by agent-vault.\n";

/** Whether the block is in a hook that runs. */
export function isInstalledInFile(file: string, runner: Runner): boolean {
  const hook = readHook(file);
  return hook?.text !== undefined && findBlock(hook.text) !== undefined && (runner === "husky" || hook.executable);
}

/**
 * Puts the block into a hook: after the first line of a shell script, into a file of its own where there is none, and where there is
 * something else (a program, a link, a hook that is switched off) into a new file that runs the old one, moved aside, next.
 * A link is never written through: it may have been committed, and lead anywhere.
 * @param tracked whether the file comes with the repository.
 * @throws VaultError `ALREADY_EXISTS` where the place to move it to is taken, `UNWRITABLE` for a link that husky would run.
 */
export function installInFile(file: string, runner: Runner, tracked: boolean, event: HookEvent): void {
  const hook = readHook(file);
  const aside = asideOf(file);
  if (!hook) {
    if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true });
    return writeOver(file, insertBlock(OWN_HEADER, OWN_HEADER.length, scriptBlock(event, tracked)), 0o755);
  }
  const { text, mode } = hook;
  if (text !== undefined) {
    const block = findBlock(text);
    if (block) {
      const fresh = replaceBlock(text, block, scriptBlock(event, tracked, readHook(aside) && basename(aside)));
      return writeOver(file, fresh, runner === "git" && !hook.executable ? mode | 0o111 : mode);
    }
    if (runner === "husky" || (hook.executable && isShellScript(text))) {
      return writeOver(file, insertBlock(text, afterShebang(text), scriptBlock(event, tracked)), mode);
    }
  } else if (runner === "husky") {
    throw new VaultError("UNWRITABLE", `${file} is not a regular file, so it was not changed.`, {
      remedy: "Replace it with a regular file, then run the command again.",
    });
  }
  if (readHook(aside)) {
    throw new VaultError("ALREADY_EXISTS", `${aside} exists, so the current hook cannot be moved there.`, {
      remedy: "Check that file, remove it, then run the command again.",
    });
  }
  renameSync(file, aside);
  writeOver(file, insertBlock(OWN_HEADER, OWN_HEADER.length, scriptBlock(event, tracked, basename(aside))), 0o755);
}

/** Takes the block out again; the file is as it was before, or gone where it was not there. */
export function uninstallFromFile(context: Context, file: string): void {
  const hook = readHook(file);
  const block = hook?.text === undefined ? undefined : findBlock(hook.text);
  if (hook?.text === undefined || !block) return;
  const rest = removeBlock(hook.text, block);
  const aside = asideOf(file);
  if (rest !== OWN_HEADER) {
    writeOver(file, rest, hook.mode);
    if (readHook(aside)) context.warn(`${file} has other lines too, so it was kept; the hook from before is ${aside}.`);
  } else if (readHook(aside)) {
    renameSync(aside, file);
  } else {
    rmSync(file);
  }
}

interface Hook {
  /** Byte for byte, as Latin-1; `undefined` for what is not a regular file, such as a link. */
  readonly text: string | undefined;
  readonly mode: number;
  readonly executable: boolean;
}

function readHook(file: string): Hook | undefined {
  const stat = statOf(file);
  if (!stat) return undefined;
  return {
    text: stat.isFile() ? readFileSync(file, "latin1") : undefined,
    mode: stat.mode & 0o777,
    executable: process.platform === "win32" || (stat.mode & 0o111) !== 0,
  };
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

function afterShebang(text: string): number {
  if (!text.startsWith("#!")) return 0;
  const end = text.indexOf("\n");
  return end < 0 ? text.length : end + 1;
}

function asideOf(file: string): string {
  return join(dirname(file), `${basename(file)}.agent-vault-chained`);
}

/** Replaces a file in one step, so that no commit meets half a hook. */
function writeOver(file: string, text: string, mode: number): void {
  replaceFile(file, Buffer.from(text, "latin1"), { mode });
}
