import { base64Alignments } from "@agent-vault/runner";

/** A line of a value that is shorter is not hidden by itself: `{` would hide every brace in the log. */
const MIN_LINE_LENGTH = 4;
/** Base64 of less is too short to be told from other output. */
const MIN_BASE64_LENGTH = 8;
/** Where programs break lines of base64: coreutils and MIME, PEM. */
const BASE64_LINE_LENGTHS = [76, 64];

/**
 * The texts that a log must not show of a value, each on one line: the value or, if it has several lines, each of them; and how base64,
 * URLs and JSON write the value and each line.
 */
export function masksOf(value: string): string[] {
  const trimmed = value.trim();
  const lines = trimmed.split(/\r\n|\n|\r/);
  const isSingle = lines.length === 1;
  const asTheyAre = isSingle ? [value.replace(/[\r\n]+$/, ""), trimmed] : lines.flatMap((line) => [line, line.trim()]);
  const plain = asTheyAre.filter((text) => text.trim().length >= (isSingle ? 1 : MIN_LINE_LENGTH));
  const encoded = [value, trimmed, ...plain].flatMap((text) => [...inBase64(text), ...inUrls(text), ...inJson(text)]);
  return [...new Set([...plain, ...encoded])].filter((text) => text !== "" && !/[\r\n]/.test(text));
}

/** In both alphabets, whole and as it shows inside of a longer text. */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text);
  const whole = bytes.toString("base64");
  const broken = BASE64_LINE_LENGTHS.flatMap((length) => (whole.length > length ? whole.match(new RegExp(`.{1,${length}}`, "g"))! : []));
  const all = [whole, ...base64Alignments(bytes), ...broken].filter((one) => one.length >= MIN_BASE64_LENGTH);
  return [...all, ...all.map((one) => one.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))];
}

function inUrls(text: string): string[] {
  const component = encodeURIComponent(text);
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([["", text]]).toString().slice(1);
  return longEnough(
    [component, strict, form].flatMap((one) => [one, one.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]),
    text,
  );
}

/** As JavaScript writes it; with slashes escaped (PHP), without what HTML could take for markup (Go), in ASCII (Python). */
function inJson(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return longEnough(
    [json, json.replaceAll("/", "\\/"), json.replace(/[<>&\u2028\u2029]/g, escape), json.replace(/[^\0-\x7f]/g, escape)],
    text,
  );
}

/** Without the texts that are as short as the value itself. */
function longEnough(encoded: readonly string[], text: string): string[] {
  return encoded.filter((one) => one.length >= MIN_LINE_LENGTH && one !== text);
}
