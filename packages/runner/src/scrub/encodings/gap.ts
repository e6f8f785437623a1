import { NO_UNIT, UNDECIDED, type Text } from "./text.js";

/** What may stand between two units: one of several sequences, of which the longest that is there counts. */
export type Gap = readonly GapSequence[];

/** One part after the other. */
export type GapSequence = readonly GapPart[];

/** One of several texts (`""` is nothing), or a character any number of times. */
export type GapPart = readonly string[] | { readonly many: string };

/** How programs indent what follows a line break. */
export const INDENTATIONS: readonly GapPart[] = [{ many: " " }, { many: "\t" }];

/** The deepest indentation that is followed; so much may be held back of an output that goes on with spaces. */
const MAX_REPEATED = 256;

/** Where a gap that starts at `at` ends; `NO_UNIT` if there is none, `UNDECIDED` if the text ends in what may be a gap's. */
export function skipGap(gap: Gap, text: Text, at: number): number {
  let end = NO_UNIT;
  for (const sequence of gap) {
    const next = skipSequence(sequence, text, at);
    if (next === UNDECIDED) return UNDECIDED;
    if (next > end) end = next;
  }
  return end;
}

/** Each part takes what it can. */
function skipSequence(sequence: GapSequence, text: Text, at: number): number {
  for (const part of sequence) {
    if ("many" in part) {
      const byte = part.many.charCodeAt(0);
      const furthest = at + MAX_REPEATED;
      while (at < furthest && text.byte(at) === byte) at++;
      continue;
    }
    const end = longest(part, text, at);
    if (end < 0) return end;
    at = end;
  }
  return at;
}

function longest(texts: readonly string[], text: Text, at: number): number {
  let end = NO_UNIT;
  for (const one of texts) {
    let index = 0;
    while (index < one.length && text.byte(at + index) === one.charCodeAt(index)) index++;
    if (index === one.length) end = Math.max(end, at + index);
    else if (text.byte(at + index) === UNDECIDED && (index > 0 || !texts.includes(""))) return UNDECIDED;
  }
  return end;
}

/** All that may be in the first `length` characters of a gap: whole gaps, and the starts of longer ones. */
export function gapStarts(gap: Gap | undefined, length: number): readonly string[] {
  if (gap === undefined) return [""];
  return [...new Set(gap.flatMap((sequence) => [...sequenceStarts(sequence, length)]))];
}

function sequenceStarts(sequence: GapSequence, length: number): Set<string> {
  let starts = new Set([""]);
  for (const part of sequence) {
    const next = new Set<string>();
    for (const start of starts) {
      if (start.length >= length) next.add(start);
      else for (const more of "many" in part ? repeated(part.many, length - start.length) : part) next.add((start + more).slice(0, length));
    }
    starts = next;
  }
  return starts;
}

const repeated = (character: string, most: number): string[] => Array.from({ length: most + 1 }, (_, count) => character.repeat(count));

/** All texts and characters that a gap is made of. */
export function gapTexts(gap: Gap | undefined): readonly string[] {
  return (gap ?? []).flat().flatMap((part) => ("many" in part ? [part.many] : part));
}
