import { VaultError } from "@agent-vault/vault/read-only";
import { backslash } from "./encodings/backslash.js";
import { base64, base64Texts } from "./encodings/base64.js";
import { decimal } from "./encodings/decimal.js";
import { entities } from "./encodings/entities.js";
import type { Encoding } from "./encodings/encoding.js";
import { hex, hexWords } from "./encodings/hex.js";
import { octalDump } from "./encodings/octal-dump.js";
import { percent } from "./encodings/percent.js";
import { raw } from "./encodings/raw.js";
import { doubleQuotes, singleQuotes } from "./encodings/quotes.js";
import { PatternSet } from "./pattern-set.js";
import { ScrubStream } from "./scrub-stream.js";
import { Scrubber } from "./scrubber.js";
import { spellPatterns, type SpelledPatterns } from "./encoded-patterns.js";
import { StartFilter } from "./start-filter.js";

/** A value of fewer bytes is not searched for in any encoding, and as it is only if that is asked for. */
export const SHORTEST_SECRET = 8;

/** In lines of a dump the first bytes of a value may end one line, and are then not seen with the rest. */
const LOST_IN_DUMPS = [1, 2, 3];

const FORMS: readonly Encoding[] = [
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

export interface SecretToScrub {
  /** As secrets are shown, `group/name`: it stands in the marker. */
  readonly name: string;
  /** A text is taken as UTF-8. */
  readonly value: Uint8Array | string;
}

/**
 * Secrets that must not show in an output, made ready to be found: as they are, each line of them, and in the encodings that programs use.
 * Making it takes a few milliseconds for a few secrets; each output then gets a scrubber of its own.
 */
export class KnownSecrets {
  /** The names of values under eight bytes (line breaks at the end not counted), in which no encoding is searched for. */
  readonly tooShort: readonly string[];
  readonly #compiled: CompiledSecrets;

  /**
   * @param allowShort takes values under eight bytes as well. They are found as they are only, wherever these bytes stand in the output, also
   * where they mean something else; and the output is searched byte by byte, which takes several times as long.
   * @throws VaultError `SECRET_TOO_SHORT`
   */
  constructor(secrets: Iterable<SecretToScrub>, { allowShort = false }: { allowShort?: boolean } = {}) {
    const all = [...secrets].map(({ name, value }) => ({ name, value: Buffer.from(value as Uint8Array) }));
    const short = all.filter(({ value }) => value.length > 0 && withoutLineEnd(value).length < SHORTEST_SECRET);
    this.tooShort = short.map(({ name }) => name);
    if (short.length > 0 && !allowShort) throw tooShort(this.tooShort);
    this.#compiled = compile(all, short.length > 0);
  }

  /** A scrubber for one output. */
  scrubber(): Scrubber {
    return new Scrubber(this.#compiled);
  }

  /** A stream that scrubs one output. */
  stream(): ScrubStream {
    return new ScrubStream(this.scrubber());
  }
}

/** What a scrubber needs to know of the secrets. */
export interface CompiledSecrets {
  readonly spelled: readonly SpelledPatterns[];
  readonly filter: StartFilter;
  /** By an owner's number: what is written in its place. */
  readonly markers: readonly Uint8Array[];
  /** Whether some pattern is too short for the filter to see. */
  readonly everyByte: boolean;
}

function compile(secrets: readonly { name: string; value: Buffer }[], everyByte: boolean): CompiledSecrets {
  const parts = secrets.flatMap(({ value }, owner) => partsOf(value).map((bytes) => ({ bytes, owner })));
  const values = parts.filter(({ bytes }) => bytes.length >= SHORTEST_SECRET);
  const shown = {
    values: new PatternSet(values),
    "values and ends": new PatternSet(
      values.flatMap(({ bytes, owner }) => [0, ...LOST_IN_DUMPS].map((start) => ({ bytes: bytes.subarray(start), owner }))),
    ),
    base64: new PatternSet(values.flatMap(({ bytes, owner }) => base64Texts(bytes).map((bytes) => ({ bytes, owner })))),
  };
  const asTheyAre = parts.length === values.length ? shown.values : new PatternSet(parts);
  const spelled = FORMS.map((form) => spellPatterns(form, form === raw ? asTheyAre : shown[form.spells]));
  const markers = secrets.map(({ name }) => Buffer.from(`[REDACTED:${name}]`));
  return { spelled, filter: new StartFilter(spelled), markers, everyByte };
}

/** A value, the value without the line breaks at its end, and each line of it that is long enough. */
function partsOf(value: Buffer): Buffer[] {
  const trimmed = withoutLineEnd(value);
  const lines: Buffer[] = [];
  for (let start = 0; start < trimmed.length;) {
    const found = trimmed.indexOf("\n", start);
    const end = found < 0 ? trimmed.length : found;
    const line = withoutLineEnd(trimmed.subarray(start, end));
    if (line.length >= SHORTEST_SECRET) lines.push(line);
    start = end + 1;
  }
  return trimmed.length === 0 ? [] : [value, trimmed, ...lines];
}

function withoutLineEnd(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x0a || value[end - 1] === 0x0d)) end--;
  return value.subarray(0, end);
}

function tooShort(names: readonly string[]): VaultError {
  const subject = names.length === 1 ? `The value of ${names[0]} is` : `The values of ${names.join(", ")} are`;
  return new VaultError("SECRET_TOO_SHORT", `${subject} shorter than ${SHORTEST_SECRET} bytes, too short to be told from other output.`, {
    remedy:
      "Use a longer value, or allow short ones (--allow-short): they are then replaced wherever they stand as they are, and in no encoding.",
  });
}
