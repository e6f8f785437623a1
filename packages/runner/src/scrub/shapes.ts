import { decodeUtf8 } from "@agent-vault/vault/read-only";

/** How often a shape is looked for within a shape, such as the lines of a key in JSON in a variable. */
const MAX_NESTING = 4;
/** JSON has more strings than anybody keeps as secrets where it has more. */
const MAX_SHAPES = 1000;
const AUTH_SCHEME =
  /^(?:Bearer|Basic|Token|ApiKey|Api-Key|Digest|AWS4-HMAC-SHA256|Bot|OAuth|Negotiate|GoogleLogin|SharedAccessSignature)[ :]+(\S.*)$/i;
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?[A-Za-z_][\w.-]*["']?[ \t]*(?:=|:[ \t])[ \t]*(\S.*)$/;
const SECRET_NAME = /pass|pwd|secret|token|key|sig|auth|cred/i;
/** `Server=db;Password=x` and `host=db password='x y'`. */
const PAIR = /([\w. -]*?[\w.-])=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^;\s]*)/g;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g;
const URL_CREDENTIALS = /\b[a-z][a-z0-9+.-]*:\/\/([^\s/?#@]*(?:@[^\s/?#@]*)*)@/gi;
const QUERY_PAIR = /[?&;]([\w.[\]-]+)=([^&#\s"]+)/g;

/**
 * The parts of a value that tell as much as the value itself, each of `minLength` bytes or more, the value first: the value, without the white
 * space around it, with its escapes undone, each line, each string of a JSON value, the password of a URL as it is written and decoded, the values of
 * `KEY=VALUE` lines, what follows `Bearer`, and the bytes of a key in PEM; and the same of each of these.
 */
export function secretShapes(value: Uint8Array, minLength: number): Buffer[] {
  const shapes = new Map<string, Buffer>();
  let level: Buffer[] = [Buffer.from(value)];
  for (let nesting = 0; nesting <= MAX_NESTING && level.length > 0; nesting++) {
    const next: Buffer[] = [];
    for (const shape of level) {
      const name = shape.toString("latin1");
      if (shape.length < minLength || shapes.has(name) || shapes.size >= MAX_SHAPES) continue;
      shapes.set(name, shape);
      next.push(...partsOf(shape));
    }
    level = next;
  }
  return [...shapes.values()];
}

/** A value without the line breaks at its end. */
export function withoutLineEnd(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x0a || value[end - 1] === 0x0d)) end--;
  return value.subarray(0, end);
}

function partsOf(shape: Buffer): Buffer[] {
  const lines = linesOf(shape);
  const text = decodeUtf8(shape);
  if (text === undefined) return [withoutLineEnd(shape), ...lines];
  const keys = [...text.matchAll(PEM)].map((match) => Buffer.from(match[2]!, "base64"));
  const texts = [text.trim(), unescaped(text), ...jsonStrings(text), ...urlPasswords(text), ...text.split(/\r\n|\r|\n/).flatMap(assigned)];
  return [withoutLineEnd(shape), ...lines, ...keys, ...texts.map((part) => Buffer.from(part))];
}

function linesOf(shape: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < shape.length;) {
    const found = shape.indexOf("\n", start);
    const end = found < 0 ? shape.length : found;
    lines.push(withoutLineEnd(shape.subarray(start, end)));
    start = end + 1;
  }
  return lines.length > 1 ? lines : [];
}

/** With the escapes of JSON, C and shells undone once. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(
    /\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([0-3][0-7]{2})|([^]))/gi,
    (whole, braced, unit, byte, octal, letter) => {
      if (letter !== undefined) return LETTERS[letter as string] ?? (letter as string);
      const code = parseInt((braced ?? unit ?? byte ?? octal) as string, octal === undefined ? 16 : 8);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

const LETTERS: Partial<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", a: "\x07", e: "\x1b", 0: "\0" };

function jsonStrings(text: string): string[] {
  if (!/^\s*[{["]/.test(text)) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const strings: string[] = [];
  const left = [value];
  while (left.length > 0 && strings.length < MAX_SHAPES) {
    const one = left.pop();
    if (typeof one === "string") strings.push(one);
    else if (typeof one === "number") strings.push(String(one));
    else if (typeof one === "object" && one !== null) left.push(...Object.values(one));
  }
  return strings;
}

/** The password between `//` and `@`, what has no colon there, and what a query calls a secret; each as it is written and decoded. */
function urlPasswords(text: string): string[] {
  const inUrls = [...text.matchAll(URL_CREDENTIALS)].map(([, credentials]) => {
    const colon = credentials!.indexOf(":");
    return colon < 0 ? credentials! : credentials!.slice(colon + 1);
  });
  const inQueries = text.includes("://")
    ? [...text.matchAll(QUERY_PAIR)].flatMap(([, name, value]) => (SECRET_NAME.test(name!) ? [value!] : []))
    : [];
  return [...inUrls, ...inQueries].flatMap((part) => [part, decoded(part), decoded(part.replaceAll("+", " "))]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a line gives to a name, without its quotes; what it gives to names of secrets; and what follows the name of an authentication scheme. */
function assigned(line: string): string[] {
  const found: string[] = [];
  const value = ASSIGNMENT.exec(line)?.[1];
  if (value !== undefined) found.push(...withoutQuotes(value));
  for (const [, name, pair] of line.matchAll(PAIR)) if (SECRET_NAME.test(name!)) found.push(...withoutQuotes(pair!));
  const credentials = AUTH_SCHEME.exec(line.trim())?.[1];
  if (credentials === undefined) return found;
  const basic = /^basic/i.test(line.trim()) ? Buffer.from(credentials, "base64").toString() : "";
  return [...found, credentials, ...(basic.includes(":") ? [basic, basic.slice(basic.indexOf(":") + 1)] : [])];
}

function withoutQuotes(text: string): string[] {
  const trimmed = text.trim();
  const quoted = /^(["'`])(.*)\1[,;]?(?:\s+#.*)?$/s.exec(trimmed)?.[2];
  if (quoted !== undefined) return [quoted];
  return [trimmed, trimmed.replace(/\s+#.*$/, ""), trimmed.replace(/[,;]$/, "")];
}
