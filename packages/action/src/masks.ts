import { MIN_SECRET_LENGTH, secretShapes, textForms } from "@agent-vault/runner";

/** A line of a value that is shorter is not hidden by itself: `{` would hide every brace in the log. */
const MIN_LINE_LENGTH = 4;

/**
 * The texts that a log must not show of a value, each on one line: the value or, if it has several lines, each of them; the parts of it that `run`
 * hides as well, such as the password of a URL; and each of these as logs show it: in base64, in hex, in URLs, in JSON, in HTML.
 */
export function masksOf(value: string): string[] {
  const trimmed = value.trim();
  const lines = trimmed.split(/\r\n|\n|\r/);
  const isSingle = lines.length === 1;
  const asTheyAre = isSingle ? [value.replace(/[\r\n]+$/, ""), trimmed] : lines.flatMap((line) => [line, line.trim()]);
  const own = asTheyAre.filter((text) => text.trim().length >= (isSingle ? 1 : MIN_LINE_LENGTH));
  const shapes = secretShapes(Buffer.from(value), MIN_SECRET_LENGTH).map((shape) => shape.toString());
  const plain = [...own, ...shapes];
  const encoded = [value, trimmed, ...plain].flatMap(textForms);
  return [...new Set([...plain, ...encoded])].filter((text) => text !== "" && !/[\r\n]/.test(text));
}
