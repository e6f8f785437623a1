import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import type { Edited } from "./json-entry.js";

type Fields = Record<string, unknown>;

/** Edits a TOML file: the lines of one table and of those in it, with all other lines as they are. @param entry `undefined` takes it out @throws where that cannot be done so */
export function tomlWith(source: string, [section, name]: readonly [string, string], entry: object | undefined): Edited {
  const root = parse(source) as Fields;
  const servers = (root[section] ?? {}) as Fields;
  const before = servers[name];
  if (isDeepStrictEqual(plain(before), plain(entry))) return { text: source, before };
  const rest = withoutTable(source, section, name);
  const gap = rest === "" || rest.endsWith("\n\n") ? "" : rest.endsWith("\n") ? "\n" : "\n\n";
  const text = entry === undefined ? rest : `${rest}${gap}${stringify({ [section]: { [name]: entry } }).trim()}\n`;
  const { [name]: _, ...others } = servers;
  const wanted = { ...root, [section]: entry === undefined ? others : { ...others, [name]: entry } };
  // Whatever the lines mean, the file has to say what it said, and the entry.
  if (!isDeepStrictEqual(tidy(parse(text), section), tidy(wanted, section))) throw new TypeError("the table is not where it is looked for");
  return { text, before };
}

function withoutTable(source: string, section: string, name: string): string {
  const isInside = (header: string) => {
    const keys = Object.keys(parse(header));
    if (keys[0] !== section) return false;
    return Object.keys((parse(header)[section] ?? {}) as Fields)[0] === name;
  };
  let inside = false;
  const lines = source.split(/(?<=\n)/).filter((line) => {
    if (/^\s*\[/.test(line)) inside = isInside(line);
    // A comment may be about the table that follows.
    return !inside || /^\s*#/.test(line);
  });
  return lines.join("").replace(/\n{3,}$/, "\n\n");
}

/** As data alone: the parser's objects have no prototype. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** A table of servers that is empty says nothing. */
function tidy(root: object, section: string): unknown {
  const { [section]: servers, ...others } = plain(root) as Fields;
  return servers === undefined || Object.keys(servers as Fields).length === 0 ? others : { ...others, [section]: servers };
}
