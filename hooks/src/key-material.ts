import { createHash } from "node:crypto";

export type KeyKind = "age-identity" | "age-post-quantum-identity" | "private-key-pem" | "openssh-private-key" | "pgp-private-key";

/** A private key that stands in some bytes. It says where and which one, and never holds the key. */
export interface KeyMaterial {
  readonly kind: KeyKind;
  /** The line on which the key begins, from 1. */
  readonly line: number;
  /**
   * SHA-256, in hex, of the key's own text: the identity in capitals for age, else the base64 body without line breaks and
   * headers. So one key has one fingerprint, whether it stands in a file of its own or in a string of a JSON file.
   */
  readonly fingerprint: string;
}

/** Finds every private key in the bytes of a file: text, UTF-16 or binary. */
export function findKeyMaterial(bytes: Uint8Array): KeyMaterial[] {
  const search = new KeySearch();
  search.push(bytes);
  return search.end();
}

/** {@link findKeyMaterial} for content that comes in pieces, of any size in little memory: a key that lies across pieces is found, once. */
export class KeySearch {
  readonly #found: KeyMaterial[] = [];
  #pieces: Uint8Array[] = [];
  #size = 0;
  #line = 1;

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size < WINDOW) return;
    const window = this.#window();
    const end = window.length - REACH;
    this.#search(window, end);
    this.#pieces = [window.subarray(end)];
    this.#size = REACH;
  }

  /** All that was found, in the order of the content. */
  end(): KeyMaterial[] {
    this.#search(this.#window(), this.#size);
    this.#pieces = [];
    this.#size = 0;
    return this.#found;
  }

  #window(): Buffer {
    const only = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    return Buffer.from(only.buffer, only.byteOffset, only.length);
  }

  /** Records the keys that begin before `end`. */
  #search(window: Buffer, end: number): void {
    const hits: { at: number; key: KeyText }[] = [];
    for (const { bytes, width, read } of NEEDLES) {
      for (let at = window.indexOf(bytes); at >= 0 && at < end; at = window.indexOf(bytes, at + bytes.length)) {
        const key = read(window, at, width);
        if (key) hits.push({ at, key });
      }
    }
    let counted = 0;
    for (const { at, key } of hits.toSorted((a, b) => a.at - b.at)) {
      this.#line += newlines(window, counted, at);
      counted = at;
      this.#found.push({ kind: key.kind, line: this.#line, fingerprint: createHash("sha256").update(key.text).digest("hex") });
    }
    this.#line += newlines(window, counted, end);
  }
}

interface KeyText {
  readonly kind: KeyKind;
  readonly text: string;
}

/** How far after its first character a key is looked at: the longest body, and the line before it. In characters. */
const MAX_BODY = 65536;
const MAX_HEADER = 96;
/** The same in bytes, where a character takes two. */
const REACH = 2 * (MAX_BODY + MAX_HEADER);
/** Content is searched in windows of about this many bytes. */
const WINDOW = 1 << 20;

/** A text with fewer different characters than this is a placeholder (`XXXX…`), not a key. */
const MIN_DISTINCT = 8;

/** How a key begins, as bytes: in one byte a character, and in UTF-16 (either byte order: the zeros between the characters are what both have). */
const NEEDLES = [
  ...needles("AGE-SECRET-KEY-", ageIdentity),
  ...needles("age-secret-key-", ageIdentity),
  ...needles("-----BEGIN ", armoredKey),
];
const DASHES = encodings("-----");

type Reader = (window: Buffer, at: number, width: number) => KeyText | undefined;

function needles(text: string, read: Reader): { bytes: Buffer; width: number; read: Reader }[] {
  return encodings(text).map((bytes, index) => ({ bytes, width: index + 1, read }));
}

function encodings(text: string): [Buffer, Buffer] {
  return [Buffer.from(text, "latin1"), Buffer.from(text, "utf16le").subarray(0, -1)];
}

const AGE_IDENTITY = /^AGE-SECRET-KEY-(PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/;

/**
 * Bech32 of 32 bytes: 52 characters and a checksum of 6. The checksum is not asked: a key with a slip of the pen in it is still given away.
 */
function ageIdentity(window: Buffer, at: number, width: number): KeyText | undefined {
  const match = AGE_IDENTITY.exec(characters(window, at, MAX_HEADER, width).toUpperCase());
  if (!match || isPlaceholder(match[0].slice(-58))) return undefined;
  return { kind: match[1] ? "age-post-quantum-identity" : "age-identity", text: match[0] };
}

const ARMOR_HEADER = /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/;

/** RFC 7468 and its kin. The header alone is no key (documentation names it): a base64 body must follow. */
function armoredKey(window: Buffer, at: number, width: number): KeyText | undefined {
  const header = ARMOR_HEADER.exec(characters(window, at, MAX_HEADER, width))?.[0];
  if (header === undefined) return undefined;
  const from = at + header.length * width;
  const dashes = window.subarray(from, from + MAX_BODY * width).indexOf(DASHES[width - 1]!);
  const text = armoredBody(characters(window, from, dashes < 0 ? MAX_BODY : dashes / width, width));
  if (text === undefined) return undefined;
  return {
    kind: header.includes("OPENSSH") ? "openssh-private-key" : header.includes("PGP") ? "pgp-private-key" : "private-key-pem",
    text,
  };
}

/** Line breaks as strings of JSON, YAML, shells and programs write them, also escaped twice. */
const ESCAPED_SPACE = /\\+(?:[nrt]|u000[ad]|x0[ad])/gi;
/** What may stand between the lines of a body: white space, and the quotes, commas, joins and comment marks of a file that the key is pasted into. */
const GAP = /(?:[\s"'`,;>#*|\\]|\+(?=[\s"'`])|\/\/(?=\s))*/y;
/** `Proc-Type: 4,ENCRYPTED`, `DEK-Info: …`, `Version: …`; the first two also on one line. */
const HEADER = /Proc-Type: ?4,ENCRYPTED\s+DEK-Info: ?[\w-]+,[0-9A-F]+|[A-Za-z][\w-]*: [^\n]*\n/y;
const RUN = /[A-Za-z0-9+/]{16,}={0,2}/y;
const LAST_RUN = /[A-Za-z0-9+/]{1,15}={0,2}/y;
/** An EC private key without its parameters, the shortest of them all, has 52 characters. */
const MIN_BODY = 40;

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
  return body.length < MIN_BODY || isPlaceholder(body) ? undefined : body;
}

function isPlaceholder(text: string): boolean {
  return new Set(text).size < MIN_DISTINCT;
}

/** Up to `count` characters from `at`, one every `width` bytes. */
function characters(window: Buffer, at: number, count: number, width: number): string {
  const bytes = window.subarray(at, at + count * width);
  return (width === 1 ? bytes : Buffer.from(bytes.filter((_, index) => index % 2 === 0))).toString("latin1");
}

function newlines(window: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = window.indexOf(10, from); at >= 0 && at < to; at = window.indexOf(10, at + 1)) count++;
  return count;
}
