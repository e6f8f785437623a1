// Ways of writing a value that the scrubber promises to know, made with the platform's own functions and not with the scrubber's.

export interface Writer {
  readonly name: string;
  /** For text only: the value must be UTF-8. */
  readonly text?: true;
  write(value: Buffer): string | Buffer;
}

const eachByte = (value: Buffer, write: (byte: number) => string, between = ""): string => Array.from(value, write).join(between);
const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const wrapped = (text: string, width: number, lineEnd = "\n"): string =>
  (text.match(new RegExp(`.{1,${width}}`, "gs")) ?? []).join(lineEnd);
const units = (value: Buffer): string[] =>
  Array.from({ length: value.toString().length }, (_, at) => hex(value.toString().charCodeAt(at)).padStart(4, "0"));

/** Of these the whole text is replaced by one marker. */
export const WRITERS: readonly Writer[] = [
  { name: "as it is", write: (value) => value },
  { name: "JSON", text: true, write: (value) => json(value.toString()) },
  { name: "JSON in JSON", text: true, write: (value) => json(json(value.toString())) },
  {
    name: "JSON with each character as \\u",
    text: true,
    write: (value) =>
      units(value)
        .map((unit) => `\\u${unit}`)
        .join(""),
  },
  {
    name: "JSON with upper case \\u",
    text: true,
    write: (value) =>
      units(value)
        .map((unit) => `\\u${unit.toUpperCase()}`)
        .join(""),
  },
  {
    name: "JSON with \\u in JSON",
    text: true,
    write: (value) =>
      units(value)
        .map((unit) => `\\\\u${unit}`)
        .join(""),
  },
  { name: "JSON with an escaped slash", text: true, write: (value) => json(value.toString()).replaceAll("/", "\\/") },
  { name: "\\x for each byte", write: (value) => eachByte(value, (byte) => `\\x${hex(byte)}`) },
  { name: "\\X for each byte, in JSON", write: (value) => eachByte(value, (byte) => `\\\\x${hex(byte).toUpperCase()}`) },
  { name: "octal for each byte", write: (value) => eachByte(value, (byte) => `\\${byte.toString(8).padStart(3, "0")}`) },
  {
    name: "\\u{} for each character",
    text: true,
    write: (value) => Array.from(value.toString(), (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`).join(""),
  },
  { name: "encodeURIComponent", text: true, write: (value) => encodeURIComponent(value.toString()) },
  { name: "encodeURIComponent twice", text: true, write: (value) => encodeURIComponent(encodeURIComponent(value.toString())) },
  { name: "a form's encoding", text: true, write: (value) => new URLSearchParams([["", value.toString()]]).toString().slice(1) },
  { name: "percent for each byte", write: (value) => eachByte(value, (byte) => `%${hex(byte)}`) },
  { name: "percent for each byte, upper case", write: (value) => eachByte(value, (byte) => `%${hex(byte).toUpperCase()}`) },
  { name: "HTML", text: true, write: (value) => value.toString().replace(/[&<>"']/g, (char) => ENTITIES[char] as string) },
  { name: "HTML numbers", text: true, write: (value) => Array.from(value.toString(), (char) => `&#${char.codePointAt(0)};`).join("") },
  {
    name: "HTML hexadecimal",
    text: true,
    write: (value) => Array.from(value.toString(), (char) => `&#x${char.codePointAt(0)?.toString(16)};`).join(""),
  },
  { name: "a shell's quotes", text: true, write: (value) => value.toString().replaceAll("'", "'\\''") },
  { name: "quotes twice, as SQL has them", text: true, write: (value) => value.toString().replaceAll("'", "''") },
  { name: "quotes twice, as CSV has them", text: true, write: (value) => value.toString().replaceAll('"', '""') },
  { name: "hex", write: (value) => value.toString("hex") },
  { name: "upper case hex", write: (value) => value.toString("hex").toUpperCase() },
  { name: "hex with spaces", write: (value) => eachByte(value, hex, " ") },
  { name: "hex with colons", write: (value) => eachByte(value, hex, ":") },
  { name: "hex in pairs", write: (value) => wrapped(value.toString("hex"), 4, " ") },
  { name: "hex in lines", write: (value) => wrapped(value.toString("hex"), 60) },
  { name: "hex as od writes it", write: (value) => wrapped(eachByte(value, hex, " "), 48).replaceAll(" \n", "\n ") },
  { name: "a list of hex numbers", write: (value) => eachByte(value, (byte) => `0x${hex(byte)}`, ", ").slice(2) },
  { name: "a list of numbers", write: (value) => eachByte(value, String, ",") },
  { name: "a list of numbers with spaces", write: (value) => eachByte(value, String, ", ") },
];

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A marker replaces all of these but the characters that the value shares with its neighbours. */
export const BASE64_WRITERS: readonly Writer[] = [
  { name: "base64", write: (value) => value.toString("base64") },
  { name: "base64url", write: (value) => value.toString("base64url") },
  { name: "base64 in lines of 76", write: (value) => wrapped(value.toString("base64"), 76) },
  { name: "base64 in short lines", write: (value) => wrapped(value.toString("base64"), 5) },
  { name: "base64 as mail has it", write: (value) => wrapped(value.toString("base64"), 64, "\r\n") },
  { name: "base64 in lines in JSON", write: (value) => wrapped(value.toString("base64"), 76, "\\n") },
  { name: "base64 in a URL", write: (value) => encodeURIComponent(value.toString("base64")) },
];
