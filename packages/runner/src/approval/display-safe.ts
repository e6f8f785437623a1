import { shellWord } from "@agent-vault/vault/read-only";

/**
 * What is not what it seems to be on a screen: nothing, or a space of another kind; marks piled up on one letter; what changes the order in which
 * its neighbours are read.
 */
const DECEIVING = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}|(?<=\p{M}{2})\p{M}/gu;
/** Letters that are read from right to left, and so reorder what is between them. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/gu;
const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001B": "\\e", "\\": "\\\\", "'": "\\'" };

/** A text that an agent may have written, safe to be shown to a person who decides. */
export function displaySafeText(text: string): string {
  return text.replace(DECEIVING, escaped);
}

/** A name or a path: as {@link displaySafeText}, and read from left to right. */
export function displaySafeName(name: string): string {
  return displaySafeText(name).replace(RIGHT_TO_LEFT, escaped);
}

/** A word of a command as a shell takes it, and as bash and zsh do where it holds what cannot be shown: `$'a\nb'`. */
export function displaySafeWord(word: string): string {
  if (displaySafeName(word) === word) return shellWord(word);
  return `$'${word.replace(/[\\']/g, escaped).replace(DECEIVING, escaped).replace(RIGHT_TO_LEFT, escaped)}'`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  return NAMED[character] ?? (code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`);
}
