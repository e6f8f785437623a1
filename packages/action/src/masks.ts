/** A line of a value that is shorter is not hidden by itself: `{` would hide every brace in the log. */
const SHORTEST_LINE = 4;
/** Base64 of less is too short to be told from other output. */
const SHORTEST_BASE64 = 8;
/** Where programs break lines of base64: coreutils and MIME, PEM. */
const BASE64_LINES = [76, 64];

/**
 * The texts that a log must not show of a value, each on one line: the value or, if it has several lines, each of them; and how base64,
 * URLs and JSON write the value and each line.
 */
export function masksOf(value: string): string[] {
  const trimmed = value.trim();
  const lines = trimmed.split(/\r\n|\n|\r/);
  const single = lines.length === 1;
  const shown = single ? [value.replace(/[\r\n]+$/, ""), trimmed] : lines.flatMap((line) => [line, line.trim()]);
  const plain = shown.filter((text) => text.trim().length >= (single ? 1 : SHORTEST_LINE));
  const encoded = [value, trimmed, ...plain].flatMap((text) => [...inBase64(text), ...inUrls(text), ...inJson(text)]);
  return [...new Set([...plain, ...encoded])].filter((text) => text !== "" && !/[\r\n]/.test(text));
}

/** In both alphabets, and for each of the three places in a group of three bytes where the value may start. */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text);
  const whole = bytes.toString("base64");
  const inside = [0, 1, 2].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only characters that the value decides alone.
    return shifted.toString("base64").slice(Math.ceil((before * 8) / 6), Math.floor((shifted.length * 8) / 6));
  });
  const broken = BASE64_LINES.flatMap((length) => (whole.length > length ? whole.match(new RegExp(`.{1,${length}}`, "g"))! : []));
  const all = [whole, ...inside, ...broken].filter((one) => one.length >= SHORTEST_BASE64);
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

/** What is only a few characters long is so because the value is. */
function longEnough(encoded: readonly string[], text: string): string[] {
  return encoded.filter((one) => one.length >= SHORTEST_LINE && one !== text);
}
