import { isCollection, isMap, isScalar, visit, type Document, type Pair, type Scalar } from "yaml";

/** Something in a file that readers of YAML understand in more than one way. */
export interface Ambiguity {
  /** In the text, from 0. */
  readonly offset: number;
  /** What is wrong, as a sentence without its beginning. */
  readonly message: string;
}

/**
 * What is refused before any parser sees the text, since parsers of YAML 1.1 and 1.2 read it differently; the Python SDK has the same list
 * (strict_yaml.py), and fixtures/yaml-dialect.json the cases.
 */
const AMBIGUOUS: readonly (readonly [RegExp, string])[] = [
  [
    /[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u,
    "a character cannot be seen, or is a line break to some readers; write it as \\u and its number in double quotes",
  ],
  [/\r(?!\n)/, "there is a carriage return without a line feed"],
  [/(?<![A-Za-z0-9])\t|\t(?![A-Za-z0-9])/, "there is a tab; use spaces, or \\t in double quotes"],
  [/^%/m, "directives are not used in a vault"],
  [/^ *(?:- +)*\?(?!\S)/m, "keys are written without a question mark"],
];

/** Lines that may stand before a document: comments, and its own mark. */
const BEFORE_DOCUMENT = /^(?: *(?:#[^\n]*)?\r?\n)*(?:--- *(?:\r?\n|$))?/;
const DOCUMENT_MARK = /^(?:---|\.\.\.)/gm;

/** The beginning of a block of text that says how far it is indented. */
const GIVEN_INDENTATION = /[|>](?:[-+]?[1-9]|[1-9][-+]) *(?:#.*)?\r?$/m;
const SPACES_ALONE = /^ +\r?$/m;

/** An escaped surrogate, in double quotes. */
const HALF_CHARACTER = /(?<!\\)(?:\\\\)*\\[uU](?:0000)?[dD][89a-fA-F]/;

/** The first thing in a text that readers of YAML understand in more than one way. */
export function findAmbiguity(text: string): Ambiguity | undefined {
  for (const [pattern, message] of AMBIGUOUS) {
    const found = pattern.exec(text);
    if (found) return { offset: found.index, message };
  }
  const spaces = GIVEN_INDENTATION.test(text) ? SPACES_ALONE.exec(text) : null;
  if (spaces) return { offset: spaces.index, message: "there is a line of spaces alone, where the indentation of a text is given" };
  DOCUMENT_MARK.lastIndex = BEFORE_DOCUMENT.exec(text)![0].length;
  const mark = DOCUMENT_MARK.exec(text);
  return mark ? { offset: mark.index, message: "a file of a vault is one document" } : undefined;
}

/** As {@link findAmbiguity}, for what takes a parser to see: tags, keys that are no text, numbers that a reader may round. */
export function findAmbiguousNode(document: Document, text: string): Ambiguity | undefined {
  let found: Ambiguity | undefined;
  const stop = (offset: number | undefined, message: string) => {
    found = { offset: offset ?? 0, message };
    return visit.BREAK;
  };
  visit(document, {
    Pair(_, { key }: Pair) {
      if (!isScalar(key) || !isOneText(key)) return stop(isScalar(key) || isCollection(key) ? key.range?.[0] : 0, "a key must be text");
      if (key.type !== "PLAIN" || hasOneColon(text, key.range![1])) return undefined;
      return stop(key.range![1], "a key's colon is on its line, with a space after it");
    },
    Node(_, node, path) {
      const { tag, range } = node as Scalar;
      if (tag !== undefined) return stop(range?.[0], "tags are not used in a vault");
      const isInFlow = path.some((parent) => isCollection(parent) && parent.flow);
      if (isMap(node) && isInFlow && text[range![0]] !== "{") return stop(range![0], "a mapping in a list needs braces");
      if (!isScalar(node)) return undefined;
      if (isInFlow && node.type === "PLAIN" && NEEDS_QUOTES_IN_FLOW.test(node.source ?? ""))
        return stop(range?.[0], "this text needs quotes");
      if (
        typeof node.value === "number" &&
        Number.isInteger(node.value) &&
        !Number.isSafeInteger(node.value) &&
        !/[.eE]/.test(node.source ?? "")
      )
        return stop(range?.[0], "the number is too large; write it in quotes");
      const isHalved = node.type === "QUOTE_DOUBLE" && HALF_CHARACTER.test(text.slice(range![0], range![1]));
      return isHalved ? stop(range![0], "half a character is escaped") : undefined;
    },
  });
  return found;
}

/** Whether all readers give a key the same name: it is text, or a number or word that is written as it is printed. */
function isOneText({ value, source, type }: Scalar): boolean {
  if (typeof value === "string") return true;
  const isPrinted = typeof value === "boolean" || (typeof value === "number" && Number.isSafeInteger(value));
  return type === "PLAIN" && isPrinted && source === String(value);
}

/** Whether the colon after a key, if there is one, is on its line, and no parser takes it for part of the key. */
function hasOneColon(text: string, end: number): boolean {
  SPACE.lastIndex = end;
  const space = SPACE.exec(text)![0];
  const at = end + space.length;
  return text[at] !== ":" || (!space.includes("\n") && !/[?,[\]{}]/.test(text[at + 1] ?? ""));
}

const SPACE = /\s*/y;

/** Escapes what {@link findAmbiguity} refuses in text that was printed with such characters in double quotes alone. */
export function escapeAmbiguous(text: string): string {
  return text.replaceAll(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Has a printer write texts in double quotes that would come out as something that is refused, or not come back as they were. */
export function quoteAmbiguous(document: Document): void {
  const nodeOf = (value: unknown) => (typeof value === "string" ? document.createNode(value) : value);
  visit(document, {
    Pair: (_, pair) => void (pair.value = nodeOf(pair.value)),
    Seq: (_, sequence) => void (sequence.items = sequence.items.map(nodeOf)),
    Scalar(_, node, path) {
      if (typeof node.value !== "string") return;
      const isInFlow = path.some((parent) => isCollection(parent) && parent.flow);
      const isFolded = node.value.includes("\n") && (isInFlow || node.type === "PLAIN");
      if (isFolded || NEEDS_QUOTES.test(node.value) || (isInFlow && NEEDS_QUOTES_IN_FLOW.test(node.value))) node.type = "QUOTE_DOUBLE";
    },
  });
}

/** A text that parsers read differently between brackets. */
const NEEDS_QUOTES_IN_FLOW = /^[?:]|:[?,[\]{}]/;

/** Characters that are refused, texts of many lines that begin with a space, and lines that look like a key with a question mark. */
const NEEDS_QUOTES = /[\t\r\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|^[ \n](?=[^]*\n|[^]* )|(?:^|\n) *(?:- +)*\?(?!\S)/;
