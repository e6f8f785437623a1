/** A file with an entry put in, replaced or taken out. */
export interface Edited {
  readonly text: string;
  /** What stood there. */
  readonly before: unknown;
}

type Fields = Record<string, unknown>;

/** Edits a JSON file, indented as it is. @param entry `undefined` takes it out @throws for what is no JSON, such as JSON with comments */
export function jsonWith(source: string, [section, name]: readonly [string, string], entry: object | undefined): Edited {
  const root = fieldsIn(source.trim() === "" ? {} : JSON.parse(source.replace(/^\uFEFF/, "")));
  const servers = fieldsIn(root[section] ?? {});
  const before = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (JSON.stringify(before) === JSON.stringify(entry)) return { text: source, before };
  const { [name]: _, ...others } = servers;
  const changed = entry === undefined ? others : { ...servers, [name]: entry };
  const { [section]: __, ...rest } = root;
  const whole = Object.keys(changed).length === 0 ? rest : { ...root, [section]: changed };
  const indent = /^[{[]\r?\n([ \t]+)/.exec(source.trimStart())?.[1] ?? "  ";
  const end = source === "" || source.endsWith("\n") ? "\n" : "";
  return { text: Object.keys(whole).length === 0 ? "" : `${JSON.stringify(whole, undefined, indent)}${end}`, before };
}

function fieldsIn(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new TypeError("not an object");
}
