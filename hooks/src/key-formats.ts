/** The kinds of private keys that are found. */
export type KeyKind = "age-identity" | "age-post-quantum-identity" | "private-key-pem" | "openssh-private-key" | "pgp-private-key";

/** A private key as its format has it. */
export interface KeyText {
  readonly kind: KeyKind;
  readonly text: string;
}

/** How far after its first character a key is read, in characters: the longest body, and the line before it. */
export const MAX_BODY_LENGTH = 65536;
/** The line before the body, in characters. */
export const MAX_HEADER_LENGTH = 96;
/** A text with fewer different characters than this is a placeholder (`XXXX…`), not a key. */
const MIN_DISTINCT = 8;

/** How a key begins, as bytes: in one byte a character, and in UTF-16 (either byte order: the zeros between the characters are what both have). */
export const KEY_BEGINNINGS = [
  ...beginnings("AGE-SECRET-KEY-", ageIdentity),
  ...beginnings("age-secret-key-", ageIdentity),
  ...beginnings("-----BEGIN ", armoredKey),
];
const DASHES = encodings("-----");

type KeyReader = (window: Buffer, at: number, width: number) => KeyText | undefined;

function beginnings(text: string, read: KeyReader): { bytes: Buffer; width: number; read: KeyReader }[] {
  return encodings(text).map((bytes, index) => ({ bytes, width: index + 1, read }));
}

function encodings(text: string): [Buffer, Buffer] {
  return [Buffer.from(text, "latin1"), Buffer.from(text, "utf16le").subarray(0, -1)];
}

const AGE_IDENTITY = /^AGE-SECRET-KEY-(PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/;

/**
 * Bech32 of 32 bytes: 52 characters and a checksum of 6. The checksum is not verified: a mistyped key still gives most of the key away.
 */
function ageIdentity(window: Buffer, at: number, width: number): KeyText | undefined {
  const match = AGE_IDENTITY.exec(characters(window, at, MAX_HEADER_LENGTH, width).toUpperCase());
  if (!match || isPlaceholder(match[0].slice(-58))) return undefined;
  return { kind: match[1] ? "age-post-quantum-identity" : "age-identity", text: match[0] };
}

const ARMOR_HEADER = /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/;

/** RFC 7468 and formats like it. The header alone is not a key (documentation quotes it): a base64 body must follow. */
function armoredKey(window: Buffer, at: number, width: number): KeyText | undefined {
  const header = ARMOR_HEADER.exec(characters(window, at, MAX_HEADER_LENGTH, width))?.[0];
  if (header === undefined) return undefined;
  const from = at + header.length * width;
  const dashes = window.subarray(from, from + MAX_BODY_LENGTH * width).indexOf(DASHES[width - 1]!);
  const text = armoredBody(characters(window, from, dashes < 0 ? MAX_BODY_LENGTH : dashes / width, width));
  if (text === undefined) return undefined;
  return {
    kind: header.includes("OPENSSH") ? "openssh-private-key" : header.includes("PGP") ? "pgp-private-key" : "private-key-pem",
    text,
  };
}

/** Line breaks as strings of JSON, YAML, shells and programs write them, also escaped twice. */
const ESCAPED_SPACE = /\\+(?:[nrt]|u000[ad]|x0[ad])/gi;
/** What may be between the lines of a body: white space, and the quotes, commas, joins and comment marks of a file that the key is pasted into. */
const GAP = /(?:[\s"'`,;>#*|\\]|\+(?=[\s"'`])|\/\/(?=\s))*/y;
/** `Proc-Type: 4,ENCRYPTED`, `DEK-Info: …`, `Version: …`; the first two also on one line. */
const HEADER = /Proc-Type: ?4,ENCRYPTED\s+DEK-Info: ?[\w-]+,[0-9A-F]+|[A-Za-z][\w-]*: [^\n]*\n/y;
const RUN = /[A-Za-z0-9+/]{16,}={0,2}/y;
const LAST_RUN = /[A-Za-z0-9+/]{1,15}={0,2}/y;
/** An EC private key without its parameters, the shortest of them all, has 52 characters. */
const MIN_BODY_LENGTH = 40;

/** The base64 of what follows the header line up to the next dashes, or `undefined` where it is something else. */
function armoredBody(raw: string): string | undefined {
  const text = raw.replace(ESCAPED_SPACE, "\n");
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0] ?? "";
    at += match.length;
    return match;
  };

  do take(GAP);
  while (take(HEADER) !== "");
  let body = "";
  for (let run = take(RUN); run !== ""; run = take(RUN)) {
    body += run;
    take(GAP);
  }
  const last = take(LAST_RUN);
  take(GAP);
  if (at === text.length || text[at] === "=") body += last;
  return body.length < MIN_BODY_LENGTH || isPlaceholder(body) ? undefined : body;
}

function isPlaceholder(text: string): boolean {
  return new Set(text).size < MIN_DISTINCT;
}

/** Up to `count` characters from `at`, one every `width` bytes. */
function characters(window: Buffer, at: number, count: number, width: number): string {
  const bytes = window.subarray(at, at + count * width);
  return (width === 1 ? bytes : Buffer.from(bytes.filter((_, index) => index % 2 === 0))).toString("latin1");
}
