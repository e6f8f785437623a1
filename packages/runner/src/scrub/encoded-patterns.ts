import type { Encoding } from "./encodings/encoding.js";
import type { PatternSet } from "./pattern-set.js";

/** An encoding with the patterns that it may encode. */
export interface EncodedPatterns {
  readonly encoding: Encoding;
  readonly patterns: PatternSet;
  /** What may stand of a first unit before it is whole. */
  readonly starts: ReadonlySet<string>;
}

/** Prepares the patterns that an encoding may encode. */
export function encodePatterns(encoding: Encoding, patterns: PatternSet): EncodedPatterns {
  return { encoding, patterns, starts: startsOf(encoding, patterns) };
}

function startsOf(encoding: Encoding, patterns: PatternSet): Set<string> {
  const starts = new Set([""]);
  const seen = new Set<string>();
  for (let index = 0; index < patterns.size; index++) {
    const pattern = patterns.pattern(index);
    const first = String.fromCharCode(...pattern.subarray(0, (pattern[0] as number) < 0x80 && encoding.pairs !== true ? 1 : 4));
    if (seen.has(first)) continue;
    seen.add(first);
    for (const { text } of encoding.encode(pattern, 0))
      for (let length = 1; length <= text.length; length++) starts.add(text.slice(0, length));
  }
  return starts;
}
