import type { Encoding } from "./encodings/encoding.js";
import type { PatternSet } from "./pattern-set.js";

/** A form with the patterns that it may spell. */
export interface SpelledPatterns {
  readonly form: Encoding;
  readonly patterns: PatternSet;
  /** What may stand of a first unit before it is whole. */
  readonly starts: ReadonlySet<string>;
}

export function spellPatterns(form: Encoding, patterns: PatternSet): SpelledPatterns {
  return { form, patterns, starts: startsOf(form, patterns) };
}

function startsOf(form: Encoding, patterns: PatternSet): Set<string> {
  const starts = new Set([""]);
  const seen = new Set<string>();
  for (let index = 0; index < patterns.size; index++) {
    const pattern = patterns.pattern(index);
    const first = String.fromCharCode(...pattern.subarray(0, (pattern[0] as number) < 0x80 && form.pairs !== true ? 1 : 4));
    if (seen.has(first)) continue;
    seen.add(first);
    for (const { text } of form.spell(pattern, 0)) for (let length = 1; length <= text.length; length++) starts.add(text.slice(0, length));
  }
  return starts;
}
