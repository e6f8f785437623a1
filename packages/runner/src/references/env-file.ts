import { VaultError } from "@agent-vault/vault/read-only";
import type { Refusal } from "./filters.js";
import { parseClosing, parseReference, positionsIn, refusalAt, type TemplatePart, type ReferencePosition } from "./reference.js";
import { requireVariableName } from "./variables.js";

/** A variable of an env file; its value is its parts one after the other. */
export interface EnvEntry {
  readonly name: string;
  readonly value: readonly TemplatePart[];
  readonly line: number;
}

/** Blank lines and comments, then a name and its equals sign. */
const SKIPPED = /(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:#[^\n]*$)?/y;
const ASSIGNMENT = /(?:export[ \t]+)?([^\s=#'"]+)[ \t]*=[ \t]*/y;
/** A value: in single quotes as it is, in double quotes with escapes, without quotes up to a comment or the line's end. */
const SINGLE = /'([^']*)'/y;
const DOUBLE = /"([^"\\]*(?:\\[^][^"\\]*)*)"/y;
const PLAIN = /[^\n]*/y;
const REST = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/**
 * Reads a file of variables, as dotenv has them: `NAME=value`, `export`, comments, quotes, values over several lines. Nothing is
 * expanded and no command is run; `vault://group/name` anywhere in a value is replaced by the secret.
 * @param file names it in errors
 * @throws VaultError `INVALID_VALUE` for what is not such a file, `INVALID_VARIABLE`, `INVALID_REFERENCE`, with line and column
 */
export function parseEnvFile(source: string, file: string): EnvEntry[] {
  const text = source.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const entries = new Map<string, EnvEntry>();
  const placeOf = positionsIn(text);
  let offset = 0;
  /** What a pattern takes from the text where the last one ended. */
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = offset;
    const match = pattern.exec(text) ?? undefined;
    if (match) offset = pattern.lastIndex;
    return match;
  };
  for (take(SKIPPED); offset < text.length; take(SKIPPED)) {
    const place = placeOf(offset);
    const name = take(ASSIGNMENT)?.[1];
    if (name === undefined) throw invalid(file, place, "here is no NAME=value");
    requireVariableName(name, `${file}, line ${place.line}`);
    const earlier = entries.get(name);
    if (earlier) {
      throw new VaultError("INVALID_VARIABLE", `${file} sets ${name} twice, in line ${earlier.line} and in line ${place.line}.`, {
        remedy: "Take one of them out.",
      });
    }
    entries.set(name, { name, value: takeValue(), line: place.line });
  }
  return [...entries.values()];

  function takeValue(): TemplatePart[] {
    const start = offset;
    const quote = text[start];
    if (quote !== "'" && quote !== '"') {
      const plain = take(PLAIN)![0].replace(/(?:^|[ \t])#.*$/, "");
      return referencesIn(plain.trimEnd(), refusalAt(file, placeOf(start)));
    }
    const quoted = take(quote === "'" ? SINGLE : DOUBLE)?.[1];
    if (quoted === undefined) throw invalid(file, placeOf(start), `the quote ${quote} is not closed`);
    if (!take(REST)) throw invalid(file, placeOf(offset), "something follows the closing quote");
    const value = quote === "'" ? quoted : quoted.replace(/\\([^])/g, (escape, character: string) => ESCAPES[character] ?? escape);
    return referencesIn(value, refusalAt(file, placeOf(start)));
  }
}

/** A reference, not as the end of a longer word such as `myvault://`, or in braces, which say where it ends. */
const REFERENCE = /(?<![A-Za-z0-9+.-])vault:\/\/([A-Za-z0-9._/-]*)|\{\{[ \t]*vault:\/\//g;

/**
 * Finds the references in a value. Without braces, a reference takes in all letters, digits, `.`, `_`, `-` and `/` that follow.
 * @param refusal makes the error for one that is wrong
 */
export function referencesIn(value: string, refusal: Refusal): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of value.matchAll(REFERENCE)) {
    if (match.index < end) continue;
    const next = match.index + match[0].length;
    const path = match[1];
    const found =
      path === undefined ? parseClosing(value, next, refusal) : { reference: { secret: parseReference(path, refusal) }, end: next };
    parts.push(value.slice(end, match.index), found.reference);
    end = found.end;
  }
  return [...parts, value.slice(end)].filter((part) => part !== "");
}

function invalid(file: string, { line, column }: ReferencePosition, problem: string): VaultError {
  return new VaultError("INVALID_VALUE", `${file}, line ${line}, column ${column}: ${problem}.`, {
    remedy: "A line is NAME=value, with quotes around a value that has a # or goes over several lines.",
  });
}
