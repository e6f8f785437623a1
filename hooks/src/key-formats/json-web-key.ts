import { characters, charactersOfOne, encoded, isPlaceholder, type KeyFormat, type KeyReader } from "./key-format.js";

const BEGINNING = "kty";
/** What may be before `kty` in an object: an RSA key of 8,192 bits takes fewer characters. */
const MAX_BEFORE = 8192;
/** `d` of an Ed25519 key has 43 characters, `k` of a symmetric key of 128 bits 22. */
const PRIVATE_MEMBER = /(?<![\w-])\\*["']?([dk])\\*["']?\s*[:=]\s*\\*["']?([A-Za-z0-9_-]{22,})/;
const KEY_TYPE = /^kty\\*["']?\s*[:=]\s*\\*["']?(RSA|EC|OKP|oct)\b/;

/** RFC 7517: the object around `"kty"`, where it has a private member. */
const jsonWebKey: KeyReader = (window, at, width) => {
  const type = KEY_TYPE.exec(characters(window, at, 40, width))?.[1];
  if (type === undefined) return undefined;
  const last = at < width ? -1 : window.lastIndexOf(encoded(BEGINNING, width), at - width);
  const from = Math.max(last < 0 ? at % width : last + BEGINNING.length * width, at - MAX_BEFORE * width);
  const before = characters(window, from, (at - from) / width, width);
  const after = charactersOfOne(window, at, width, BEGINNING);
  const end = after.indexOf("}");
  const member = PRIVATE_MEMBER.exec(before.slice(before.lastIndexOf("{") + 1) + after.slice(0, end < 0 ? undefined : end));
  if (member === null || (member[1] === "k") !== (type === "oct") || isPlaceholder(member[2]!)) return undefined;
  return { kind: "json-web-key", text: member[2]! };
};

/** JSON Web Keys. */
export const JSON_WEB_KEY_FORMATS: readonly KeyFormat[] = [{ beginning: BEGINNING, read: jsonWebKey }];
