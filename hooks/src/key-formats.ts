import { AGE_FORMATS } from "./key-formats/age.js";
import { ARMOR_FORMATS } from "./key-formats/armor.js";
import { JSON_WEB_KEY_FORMATS } from "./key-formats/json-web-key.js";
import { encoded, type KeyFormat, type KeyReader } from "./key-formats/key-format.js";
import { LINE_FORMATS } from "./key-formats/named-lines.js";

const FORMATS: readonly KeyFormat[] = [...AGE_FORMATS, ...ARMOR_FORMATS, ...LINE_FORMATS, ...JSON_WEB_KEY_FORMATS];

/** How a key begins, as bytes: in one byte a character, and in UTF-16 (either byte order: the zeros between the characters are what both have). */
export const KEY_BEGINNINGS: readonly { readonly bytes: Buffer; readonly width: number; readonly read: KeyReader }[] = FORMATS.flatMap(
  ({ beginning, read }) => [1, 2].map((width) => ({ bytes: encoded(beginning, width), width, read })),
);
