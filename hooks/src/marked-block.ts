import { BLOCK_BEGIN, BLOCK_END } from "./hook-script.js";

/** Where our block is in a text: from the first character of its first line to after the last of its last, the line break not included. */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/** The block of a text, if it has one. */
export function findBlock(text: string): BlockRange | undefined {
  const end = text.indexOf(BLOCK_END);
  const begin = end < 0 ? -1 : text.lastIndexOf(BLOCK_BEGIN, end);
  if (begin < 0) return undefined;
  return { from: lineStart(text, begin), to: end + BLOCK_END.length };
}

/**
 * Puts a block before the line that begins at `at`, or after the last line. {@link removeBlock} gives the text back, byte for byte.
 * @param at the beginning of a line, or the end of the text.
 */
export function insertBlock(text: string, at: number, lines: readonly string[]): string {
  const block = lines.join("\n");
  // After a last line without a line break, the block has none either, which tells removeBlock whose the break between them is.
  if (at > 0 && text[at - 1] !== "\n") return `${text}\n${block}`;
  return `${text.slice(0, at)}${block}\n${text.slice(at)}`;
}

/** Puts other lines in the place of a block. */
export function replaceBlock(text: string, range: BlockRange, lines: readonly string[]): string {
  return text.slice(0, range.from) + lines.join("\n") + text.slice(range.to);
}

/** Takes a block out; what {@link insertBlock} was given comes back, byte for byte. */
export function removeBlock(text: string, { from, to }: BlockRange): string {
  const after = /^\r?\n/.exec(text.slice(to))?.[0];
  if (after !== undefined) return text.slice(0, from) + text.slice(to + after.length);
  return text.slice(0, from).replace(/\r?\n$/, "") + text.slice(to);
}

/** The beginning of the line that holds a place in a text. */
export function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}
