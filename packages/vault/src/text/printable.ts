/**
 * What acts on a terminal instead of showing there: control characters, and marks that reorder or hide text. What joins letters and emoji
 * is let through.
 */
const CONTROL_CHARACTERS =
  /(?!\t|\u200C|\u200D|[\uFE00-\uFE0F])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/gu;

/** Text from a file, a remote or a command line as it can be shown on a terminal: what would act there shows as `\u001b`. */
export function printable(text: string): string {
  return text.replace(CONTROL_CHARACTERS, asEscape);
}

/** As {@link printable}, for JSON over several lines, which means the same before and after. */
export function printableJson(json: string): string {
  return json.replace(CONTROL_CHARACTERS, (character) => (character === "\n" ? character : asEscape(character)));
}

/** As a JSON string would have it. */
function asEscape(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join("");
}
