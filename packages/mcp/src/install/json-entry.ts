import { isDeepStrictEqual } from "node:util";
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  parse,
  parseTree,
  type FormattingOptions,
  type Node,
  type ParseError,
} from "jsonc-parser";

/** A file with an entry put in, replaced or taken out. */
export interface Edited {
  readonly text: string;
  /** The entry that the file had. */
  readonly before: unknown;
}

type Fields = Record<string, unknown>;

const PARSING = { allowTrailingComma: true };

/**
 * Edits a JSON file, which may have comments and trailing commas as VS Code's do: all but the entry stays as it is.
 * @param entry `undefined` takes it out
 * @throws where the file is not JSON, has something else than objects on the way to the entry, or has it twice
 */
export function jsonWith(source: string, [section, name]: readonly [string, string], entry: object | undefined): Edited {
  const [, mark, text] = /^(\uFEFF?)([^]*)$/.exec(source)!;
  const root = text!.trim() === "" ? {} : fieldsIn(parsed(text!));
  const servers = fieldsIn(root[section] ?? {});
  const before = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (isDeepStrictEqual(before, entry)) return { text: source, before };
  const edited = entry === undefined ? withoutEntry(text!, section, name) : withEntry(text!, [section, name], entry);
  requireOnly(edited, root, section, { ...servers, [name]: entry });
  return { text: edited === "" ? "" : `${mark}${edited}`, before };
}

function parsed(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, PARSING);
  if (errors.length > 0) throw new TypeError("not JSON");
  return value;
}

function fieldsIn(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new TypeError("not an object");
}

function withEntry(text: string, path: string[], entry: object): string {
  const present = text.trim() === "" ? "{}" : text;
  return applyEdits(present, modify(present, path, entry, { formattingOptions: formattingOf(text) }));
}

/** As the file is written. */
function formattingOf(text: string): FormattingOptions {
  const indent = /^[ \t]+(?=["/])/m.exec(text)?.[0] ?? "  ";
  const isTabs = indent.startsWith("\t");
  return {
    insertSpaces: !isTabs,
    tabSize: isTabs ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    insertFinalNewline: text === "",
  };
}

/** The library would take comments out with the entry. A section and a file that have nothing else in them go as well. */
function withoutEntry(text: string, section: string, name: string): string {
  const rest = withoutProperty(text, [section, name]);
  const { offset, length } = findNodeAtLocation(tree(rest), [section])!;
  if (!/^\{\s*\}$/.test(rest.slice(offset, offset + length))) return rest;
  const whole = withoutProperty(rest, [section]);
  return /^\s*\{\s*\}\s*$/.test(whole) ? "" : whole;
}

function withoutProperty(text: string, path: string[]): string {
  const property = findNodeAtLocation(tree(text), path)!.parent!;
  const siblings = property.parent!.children!;
  const previous = siblings[siblings.indexOf(property) - 1];
  const end = property.offset + property.length;
  const commaAfter = commaFrom(text, end);
  const commaBefore = commaAfter === undefined && previous ? commaFrom(text, previous.offset + previous.length) : undefined;
  const head = text.slice(0, property.offset);
  const tail = text.slice(commaAfter === undefined ? end : commaAfter + 1);
  // The line goes too, unless there is something else on it.
  const kept = /^[ \t]*\r?\n/.test(tail) ? head.trimEnd() : head.replace(/[ \t]+$/, "");
  return (commaBefore === undefined ? kept : kept.slice(0, commaBefore) + kept.slice(commaBefore + 1)) + tail;
}

function tree(text: string): Node {
  return parseTree(text, [], PARSING)!;
}

/** Where a comma is the next thing that is not a space or a comment. */
function commaFrom(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  return text[scanner.getTokenOffset()] === "," ? scanner.getTokenOffset() : undefined;
}

/** Whatever the text means, the file has to say what it said, and the entry. */
function requireOnly(edited: string, root: Fields, section: string, servers: Fields): void {
  const wanted = asData({ ...root, [section]: servers });
  const found = edited === "" ? {} : fieldsIn(parsed(edited));
  if (!isDeepStrictEqual(asData({ ...found, [section]: found[section] ?? {} }), wanted))
    throw new TypeError("the entry is not where it is looked for");
}

function asData(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
