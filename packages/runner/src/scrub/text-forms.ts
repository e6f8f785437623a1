import { base64Alignments } from "./encodings/base64-alignments.js";

/** Base64 and hex of less are too short to be told from other output. */
const MIN_ENCODED_LENGTH = 8;
/** A spelling that is shorter would hide what is no secret. */
const MIN_TEXT_LENGTH = 4;
/** Where programs break lines of base64: coreutils and MIME, PEM. */
const BASE64_LINE_LENGTHS = [76, 64];

/**
 * The texts in which logs show a value, each as a program writes it as a whole, for whatever can only compare texts, such as the masks of GitHub:
 * base64, hex, URLs, JSON, HTML and shells. What knows the value itself looks for every spelling, with a `Scrubber`.
 */
export function textForms(value: string): string[] {
  const bytes = Buffer.from(value);
  return [
    ...new Set([...inBase64(bytes), ...inHex(bytes), ...longEnough([...inUrls(value), ...inJson(value), ...inMarkup(value)], value)]),
  ];
}

/** In both alphabets, whole and as it shows inside of a longer text. */
function inBase64(bytes: Buffer): string[] {
  const whole = bytes.toString("base64");
  const broken = BASE64_LINE_LENGTHS.flatMap((length) => (whole.length > length ? whole.match(new RegExp(`.{1,${length}}`, "g"))! : []));
  const all = [whole, ...base64Alignments(bytes), ...broken].filter((one) => one.length >= MIN_ENCODED_LENGTH);
  return [...all, ...all.map((one) => one.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))];
}

function inHex(bytes: Buffer): string[] {
  const digits = bytes.toString("hex");
  return digits.length < MIN_ENCODED_LENGTH ? [] : [digits, digits.toUpperCase()];
}

function inUrls(text: string): string[] {
  const component = encodeURIComponent(Buffer.from(text).toString());
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([["", text]]).toString().slice(1);
  return [component, strict, form].flatMap((one) => [one, one.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]);
}

/** As JavaScript writes it; with slashes escaped (PHP), without what HTML could take for markup (Go), in ASCII (Python). */
function inJson(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return [json, json.replaceAll("/", "\\/"), json.replace(/[<>&\u2028\u2029]/g, escape), json.replace(/[^\0-\x7f]/g, escape)];
}

/** In HTML, with either spelling of a single quote, and between the quotes of a shell. */
function inMarkup(text: string): string[] {
  const html = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  return [html, html.replaceAll("'", "&#39;"), html.replaceAll("'", "&#x27;"), text.replaceAll("'", "'\\''")];
}

/** Without the texts that are as short as the value itself. */
function longEnough(encoded: readonly string[], text: string): string[] {
  return encoded.filter((one) => one.length >= MIN_TEXT_LENGTH && one !== text);
}
