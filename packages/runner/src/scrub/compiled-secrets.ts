import { backslash } from "./encodings/backslash.js";
import { base64, base64Texts } from "./encodings/base64.js";
import { decimal } from "./encodings/decimal.js";
import type { Encoding } from "./encodings/encoding.js";
import { entities } from "./encodings/entities.js";
import { hex, hexWords } from "./encodings/hex.js";
import { octalDump } from "./encodings/octal-dump.js";
import { percent } from "./encodings/percent.js";
import { quotedPrintable } from "./encodings/quoted-printable.js";
import { doubleQuotes, singleQuotes } from "./encodings/quotes.js";
import { raw } from "./encodings/raw.js";
import { PatternSet } from "./pattern-set.js";
import { secretShapes } from "./shapes.js";
import { SpelledPatterns } from "./spelled-patterns.js";
import { StartFilter } from "./start-filter.js";

/** A value of fewer bytes is not searched for in any encoding, and as it is only if that is asked for. */
export const MIN_SECRET_LENGTH = 8;

/** In lines of a dump the first bytes of a value may end one line, and are then not seen with the rest. */
const LOST_IN_DUMPS = [1, 2, 3];

/** The first one is `raw`. */
const ENCODINGS: readonly Encoding[] = [
  raw,
  percent(1),
  percent(2),
  backslash(1),
  backslash(2),
  entities,
  singleQuotes,
  doubleQuotes,
  quotedPrintable,
  hex,
  hexWords(2),
  hexWords(4),
  octalDump,
  decimal,
  base64,
];

/** What a scrubber needs to know of the secrets. */
export class CompiledSecrets {
  readonly spelledPatterns: readonly SpelledPatterns[];
  /** By an owner's number: what is written in its place. */
  readonly markers: readonly Uint8Array[];
  /** Whether some pattern is too short for the filter to see. */
  readonly everyByte: boolean;
  /** By a byte: the encodings, as bits, in which some pattern may start with it. */
  readonly encodingsByFirstByte: Uint32Array;
  #filter: StartFilter | undefined;

  /**
   * Makes secrets ready to be found.
   * @param everyByte whether some value is shorter than {@link MIN_SECRET_LENGTH}
   */
  constructor(secrets: readonly { name: string; value: Buffer }[], everyByte: boolean) {
    const values = secrets.flatMap(({ value }, owner) => secretShapes(value, MIN_SECRET_LENGTH).map((bytes) => ({ bytes, owner })));
    const patternSets = {
      values: new PatternSet(values),
      "values and ends": new PatternSet(
        values.flatMap(({ bytes, owner }) => [0, ...LOST_IN_DUMPS].map((start) => ({ bytes: bytes.subarray(start), owner }))),
      ),
      base64: new PatternSet(values.flatMap(({ bytes, owner }) => base64Texts(bytes).map((bytes) => ({ bytes, owner })))),
    };
    const asTheyAre = everyByte ? new PatternSet([...values, ...secrets.flatMap(shortParts)]) : patternSets.values;
    this.spelledPatterns = ENCODINGS.map(
      (encoding) => new SpelledPatterns(encoding, encoding === raw ? asTheyAre : patternSets[encoding.encodes]),
    );
    this.markers = secrets.map(({ name }) => Buffer.from(`[REDACTED:${name}]`));
    this.everyByte = everyByte;
    this.encodingsByFirstByte = Uint32Array.from({ length: 256 }, (_, byte) =>
      this.spelledPatterns.reduce((bits, candidate, index) => (candidate.mayBegin(byte) ? bits | (1 << index) : bits), 0),
    );
  }

  /** Made when it is first needed, which takes some milliseconds: what prints a few lines does not need it. */
  get filter(): StartFilter {
    return (this.#filter ??= new StartFilter(this.spelledPatterns));
  }
}

/** A short value, and it without the line breaks at its end. */
function shortParts({ value }: { value: Buffer }, owner: number): { bytes: Buffer; owner: number }[] {
  const shapes = secretShapes(value, 1).slice(0, 2);
  return shapes
    .filter((bytes) => bytes.length < MIN_SECRET_LENGTH && bytes.some((byte) => byte !== 0x0a && byte !== 0x0d))
    .map((bytes) => ({ bytes, owner }));
}
