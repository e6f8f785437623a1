import { backslash } from "./encodings/backslash.js";
import { base64, base64Texts } from "./encodings/base64.js";
import { decimal } from "./encodings/decimal.js";
import { entities } from "./encodings/entities.js";
import type { Encoding } from "./encodings/encoding.js";
import { hex, hexWords } from "./encodings/hex.js";
import { octalDump } from "./encodings/octal-dump.js";
import { percent } from "./encodings/percent.js";
import { doubleQuotes, singleQuotes } from "./encodings/quotes.js";
import { raw } from "./encodings/raw.js";
import { encodePatterns, type EncodedPatterns } from "./encoded-patterns.js";
import { PatternSet } from "./pattern-set.js";
import { StartFilter } from "./start-filter.js";

/** A value of fewer bytes is not searched for in any encoding, and as it is only if that is asked for. */
export const MIN_SECRET_LENGTH = 8;

/** In lines of a dump the first bytes of a value may end one line, and are then not seen with the rest. */
const LOST_IN_DUMPS = [1, 2, 3];

const ENCODINGS: readonly Encoding[] = [
  raw,
  percent(1),
  percent(2),
  backslash(1),
  backslash(2),
  entities,
  singleQuotes,
  doubleQuotes,
  hex,
  hexWords,
  octalDump,
  decimal,
  base64,
];

/** What a scrubber needs to know of the secrets. */
export interface CompiledSecrets {
  readonly encodedPatterns: readonly EncodedPatterns[];
  readonly filter: StartFilter;
  /** By an owner's number: what is written in its place. */
  readonly markers: readonly Uint8Array[];
  /** Whether some pattern is too short for the filter to see. */
  readonly everyByte: boolean;
}

/**
 * Makes secrets ready to be found.
 * @param everyByte whether some value is shorter than {@link MIN_SECRET_LENGTH}
 */
export function compileSecrets(secrets: readonly { name: string; value: Buffer }[], everyByte: boolean): CompiledSecrets {
  const parts = secrets.flatMap(({ value }, owner) => searchedParts(value).map((bytes) => ({ bytes, owner })));
  const values = parts.filter(({ bytes }) => bytes.length >= MIN_SECRET_LENGTH);
  const patternSets = {
    values: new PatternSet(values),
    "values and ends": new PatternSet(
      values.flatMap(({ bytes, owner }) => [0, ...LOST_IN_DUMPS].map((start) => ({ bytes: bytes.subarray(start), owner }))),
    ),
    base64: new PatternSet(values.flatMap(({ bytes, owner }) => base64Texts(bytes).map((bytes) => ({ bytes, owner })))),
  };
  const asTheyAre = parts.length === values.length ? patternSets.values : new PatternSet(parts);
  const encodedPatterns = ENCODINGS.map((encoding) =>
    encodePatterns(encoding, encoding === raw ? asTheyAre : patternSets[encoding.encodes]),
  );
  const markers = secrets.map(({ name }) => Buffer.from(`[REDACTED:${name}]`));
  return { encodedPatterns, filter: new StartFilter(encodedPatterns), markers, everyByte };
}

/** A value, the value without the line breaks at its end, and each line of it that is long enough. */
function searchedParts(value: Buffer): Buffer[] {
  const trimmed = withoutLineEnd(value);
  const lines: Buffer[] = [];
  for (let start = 0; start < trimmed.length;) {
    const found = trimmed.indexOf("\n", start);
    const end = found < 0 ? trimmed.length : found;
    const line = withoutLineEnd(trimmed.subarray(start, end));
    if (line.length >= MIN_SECRET_LENGTH) lines.push(line);
    start = end + 1;
  }
  return trimmed.length === 0 ? [] : [value, trimmed, ...lines];
}

/** A value without the line breaks at its end. */
export function withoutLineEnd(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x0a || value[end - 1] === 0x0d)) end--;
  return value.subarray(0, end);
}
