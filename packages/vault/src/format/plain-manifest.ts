import { decodeUtf8File } from "../text/utf8.js";
import { PLAIN, QUOTED, RESERVED, WORD } from "./simple-yaml.js";
import { MAX_MANIFEST_BYTES } from "./yaml-document.js";

/** Words that begin with a digit and are no numbers: a path, a name such as `2fa`, and an id of hexadecimal digits. */
const PATH_OF_DIGITS = String.raw`\d[\w.-]{0,200}/[\w./-]{0,200}\w`;
const WORD_OF_DIGITS = String.raw`${PATH_OF_DIGITS}|\d{1,64}[a-df-np-wyz][\w-]{0,64}|(?=\d*[a-df])\d[\da-f]{31}`;
const LINE = new RegExp(
  String.raw`( *)(- )?(?:([A-Za-z]${WORD}{0,500}|${PATH_OF_DIGITS}):(?= |\n))?(?: ?(?:(\[\]|\{\})|(${PLAIN}|${WORD_OF_DIGITS})|([1-9]\d{0,14})|"(${QUOTED})"))?\n`,
  "y",
);
const MAX_DEPTH = 8;
/** More lines than a vault of a hundred thousand secrets has; beyond them the parser's own limits count. */
const MAX_LINES = 330_000;

/** A line: `- KEY: VALUE`, of which each part may be missing. */
interface Line {
  /** How far it is indented, in characters. */
  readonly indent: number;
  readonly isItem: boolean;
  readonly key: string | undefined;
  readonly value: unknown;
}

/**
 * Reads block mappings and sequences as both programs print `manifest.yaml`: a line each, without comments, each word written plainly. The
 * parser takes half a second for ten thousand secrets, and this a hundredth of that.
 * @returns what the parser would return, or `undefined` for anything that is not as plain, right or wrong: it takes the parser
 */
export function readPlainManifest(bytes: Uint8Array): unknown {
  const text = bytes.length > MAX_MANIFEST_BYTES ? undefined : decodeUtf8File(bytes);
  const lines = text && linesOf(text);
  if (!lines) return undefined;
  const block = new Block(lines);
  const value = block.read(0, 0);
  return block.isAtEnd ? value : undefined;
}

function linesOf(text: string): Line[] | undefined {
  const lines: Line[] = [];
  LINE.lastIndex = 0;
  while (LINE.lastIndex < text.length) {
    const line = LINE.exec(text);
    if (!line || lines.length === MAX_LINES) return undefined;
    const [, spaces, dash, key, empty, plain, number, quoted] = line;
    const value = plain ?? quoted ?? (number && Number(number)) ?? (empty && (empty === "[]" ? [] : {}));
    if ((plain !== undefined && RESERVED.test(plain)) || (key !== undefined && RESERVED.test(key))) return undefined;
    if (key === undefined && (value === undefined || dash === undefined)) return undefined;
    lines.push({ indent: spaces!.length, isItem: dash !== undefined, key, value });
  }
  return lines;
}

/** Lines that are read from the first to the last. */
class Block {
  readonly #lines: Line[];
  #at = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length;
  }

  /** What begins here; `undefined` where it is not plain. */
  read(indent: number, depth: number): unknown {
    const line = this.#lines[this.#at];
    if (line?.indent !== indent || depth === MAX_DEPTH) return undefined;
    return line.isItem ? this.#readSequence(indent, depth) : this.#readMapping(indent, depth);
  }

  #readSequence(indent: number, depth: number): unknown[] | undefined {
    const items: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.isItem && line.indent === indent; line = this.#lines[this.#at]) {
      if (line.key === undefined) {
        items.push(line.value);
        this.#at++;
        continue;
      }
      // A mapping begins behind the dash.
      this.#lines[this.#at] = { ...line, indent: indent + 2, isItem: false };
      const item = this.#readMapping(indent + 2, depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #readMapping(indent: number, depth: number): Record<string, unknown> | undefined {
    const mapping: Record<string, unknown> = {};
    for (let line = this.#lines[this.#at]; line && !line.isItem && line.indent === indent; line = this.#lines[this.#at]) {
      const { key } = line;
      if (key === undefined || Object.hasOwn(mapping, key)) return undefined;
      this.#at++;
      const value = line.value ?? this.#readBelow(indent, depth + 1);
      if (value === undefined) return undefined;
      mapping[key] = value;
    }
    return mapping;
  }

  /** The value on the lines below a key: a sequence may be indented as far as the key is. */
  #readBelow(indent: number, depth: number): unknown {
    const next = this.#lines[this.#at];
    return this.read(next?.isItem && next.indent === indent ? indent : indent + 2, depth);
  }
}
