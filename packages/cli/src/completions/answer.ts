import process from "node:process";
import { splitBashLine } from "./bash-line.js";
import { findCandidates, type Candidates } from "./candidates.js";
import { readCommandIndex } from "./command-index.js";
import type { CommandLine } from "./cursor.js";
import { isShell, SCRIPTS, type Shell } from "./shells.js";

/**
 * Runs `completions` without oclif: prints a shell's script, which every new terminal waits for, or answers the script, which a
 * person waits for. A script asks with `SHELL --words N -- WORD...`, N being the place of the word at the cursor, or in bash with
 * `bash --line LINE`, the line up to the cursor. The answer has one candidate a line, with its description after a tab, or the one
 * line `:files` or `:folders`, for what the shell completes better itself.
 * @param root the package's folder
 * @returns the exit code, or `undefined` for a command line that the full parser has to explain
 */
export async function answerCompletions(words: readonly string[], root: string): Promise<number | undefined> {
  const [shell, ...rest] = words;
  if (shell === undefined || !isShell(shell)) return undefined;
  if (rest.length === 0) {
    process.stdout.write(SCRIPTS[shell]);
    return 0;
  }
  const line = readQuestion(rest);
  if (!line) return undefined;
  process.stdout.write(formatAnswer(await candidatesOrNone(line, root), shell));
  return 0;
}

function readQuestion([form, value = "", separator, ...words]: readonly string[]): CommandLine | undefined {
  if (form === "--line" && separator === undefined) {
    const [, ...typed] = splitBashLine(value);
    return { before: typed.slice(0, -1), current: typed.at(-1) ?? "" };
  }
  // PowerShell may lose an empty word on the way, so the word at the cursor need not be there.
  if (form === "--words" && /^\d+$/.test(value) && separator === "--")
    return { before: words.slice(0, Number(value)), current: words[Number(value)] ?? "" };
  return undefined;
}

/** An error would disturb a person who is typing, so it only means that there is nothing to offer. */
async function candidatesOrNone(line: CommandLine, root: string): Promise<Candidates> {
  try {
    return await findCandidates(line, readCommandIndex(root));
  } catch {
    return [];
  }
}

function formatAnswer(candidates: Candidates, shell: Shell): string {
  if (typeof candidates === "string") return `:${candidates}\n`;
  return candidates
    .map(({ word, description }) => (description === undefined || shell === "bash" ? `${word}\n` : `${word}\t${oneLine(description)}\n`))
    .join("");
}

/** A description may contain text from the vault's files, which must not end the line or control the terminal. */
function oneLine(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, " ");
}
