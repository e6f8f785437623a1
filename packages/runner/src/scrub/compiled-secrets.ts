import { backslash } from "./encodings/backslash.js";
import { base64, base64Texts } from "./encodings/base64.js";
import { decimal, gdbCharacters } from "./encodings/decimal.js";
import type { Encoding } from "./encodings/encoding.js";
import { entities } from "./encodings/entities.js";
import { binary, hex, hexWords, octal, octalWords } from "./encodings/hex.js";
import { lines } from "./encodings/lines.js";
import { octalDump } from "./encodings/octal-dump.js";
import { percent } from "./encodings/percent.js";
import { quotedPrintable } from "./encodings/quoted-printable.js";
import { doubleQuotes, singleQuotes } from "./encodings/quotes.js";
import { raw } from "./encodings/raw.js";
import { utf16 } from "./encodings/utf16.js";
import { OpeningFilter } from "./opening-filter.js";
import { PatternSet } from "./pattern-set.js";
import { secretShapes } from "./shapes.js";
import { SpelledPatterns } from "./spelled-patterns.js";
import { StartFilter } from "./start-filter.js";

/** A value of fewer bytes is not searched for in any encoding, and as it is only if that is asked for. */
export const MIN_SECRET_LENGTH = 8;

/** In lines of a dump the first bytes of a value may end one line, and are then not seen with the rest. */
const MAX_LOST_IN_DUMPS = 3;
/** What is left of a value behind them. */
const MIN_END_LENGTH = MIN_SECRET_LENGTH - MAX_LOST_IN_DUMPS;

/** The first one is `raw`. */
const ENCODINGS: readonly Encoding[] = [
  raw,
  lines,
  utf16(false),
  utf16(true),
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
  hexWords(8),
  octal,
  octalWords,
  octalDump(false),
  octalDump(true),
  binary,
  decimal,
  gdbCharacters,
  base64,
];

/** What a scrubber needs to know of the secrets. */
export class CompiledSecrets {
  readonly spelledPatterns: readonly SpelledPatterns[];
  /** By an owner's number: what is written in its place. */
  readonly markers: readonly Uint8Array[];
  /** Whether some pattern is too short for the filter to see. */
  readonly everyByte: boolean;
  /** The secrets and their parts. */
  readonly shapeCount: number;
  /** By a byte: the encodings, as bits, in which some pattern may start with it. */
  readonly encodingsByFirstByte: Uint32Array;
  #filter: StartFilter | undefined;
  #openings: OpeningFilter | undefined;

  /**
   * Makes secrets ready to be found.
   * @param everyByte whether some value is shorter than {@link MIN_SECRET_LENGTH}
   */
  constructor(secrets: readonly { name: string; value: Buffer }[], everyByte: boolean) {
    const values = secrets.flatMap(({ value }, owner) => secretShapes(value, MIN_SECRET_LENGTH).map((bytes) => ({ bytes, owner })));
    const asTheyAre = new PatternSet(everyByte ? [...values, ...secrets.flatMap(shortParts)] : values);
    const sets = new Map<string, PatternSet>();
    this.spelledPatterns = ENCODINGS.map((encoding) => {
      if (encoding === raw) return new SpelledPatterns(raw, asTheyAre);
      const { encodes, maxLost = MAX_LOST_IN_DUMPS } = encoding;
      const name = `${encodes} ${maxLost}`;
      const set =
        sets.get(name) ??
        new PatternSet(values.flatMap(({ bytes, owner }) => patternsOf(bytes, encodes, maxLost).map((bytes) => ({ bytes, owner }))));
      sets.set(name, set);
      return new SpelledPatterns(encoding, set);
    });
    this.markers = secrets.map(({ name }) => Buffer.from(`[REDACTED:${name}]`));
    this.everyByte = everyByte;
    this.shapeCount = values.length;
    this.encodingsByFirstByte = Uint32Array.from({ length: 256 }, (_, byte) =>
      this.spelledPatterns.reduce((bits, candidate, index) => (candidate.mayBegin(byte) ? bits | (1 << index) : bits), 0),
    );
  }

  /** Made when it is first needed, which takes some milliseconds: what prints a few lines does not need it. */
  get filter(): StartFilter {
    return (this.#filter ??= new StartFilter(this.spelledPatterns));
  }

  /** As {@link filter}: what a place that passes it has to pass as well. */
  get openings(): OpeningFilter {
    return (this.#openings ??= new OpeningFilter(this.spelledPatterns));
  }
}

/** What an encoding is to spell of a value. */
function patternsOf(value: Buffer, encodes: Encoding["encodes"], maxLost: number): readonly Uint8Array[] {
  switch (encodes) {
    case "values":
      return [value];
    case "base64":
      return base64Texts(value);
    case "values and ends":
      return Array.from({ length: maxLost + 1 }, (_, start) => value.subarray(start)).filter(
        ({ length }) => length === value.length || length >= MIN_END_LENGTH,
      );
  }
}

/** A short value, and it without the line breaks at its end. */
function shortParts({ value }: { value: Buffer }, owner: number): { bytes: Buffer; owner: number }[] {
  const shapes = secretShapes(value, 1).slice(0, 2);
  return shapes
    .filter((bytes) => bytes.length < MIN_SECRET_LENGTH && bytes.some((byte) => byte !== 0x0a && byte !== 0x0d))
    .map((bytes) => ({ bytes, owner }));
}
