import { createHash } from "node:crypto";
import { KEY_BEGINNINGS } from "./key-formats.js";
import { binaryKey } from "./key-formats/binary.js";
import { MAX_BODY_LENGTH, MAX_HEADER_LENGTH, type KeyKind, type KeyText } from "./key-formats/key-format.js";

/** How far after its first byte a key may reach: in UTF-16 a character takes two bytes. */
const MAX_KEY_BYTES = 2 * (MAX_BODY_LENGTH + MAX_HEADER_LENGTH);
/** Content is searched in windows of about this many bytes. */
const WINDOW_BYTES = 1 << 20;

/** A private key that was found: where, and which one. It never holds the key. */
export interface KeyMaterial {
  readonly kind: KeyKind;
  /** The line on which the key begins, from 1. */
  readonly line: number;
  /**
   * SHA-256, in hex, of the key's own text: the identity in capitals for age, else the base64 without line breaks and
   * headers. So one key has one fingerprint, whether it is in a file of its own, in DER or PEM, or in a string of a JSON file.
   */
  readonly fingerprint: string;
}

/** Finds every private key in the bytes of a file: text, UTF-16 or binary. */
export function findKeyMaterial(bytes: Uint8Array): KeyMaterial[] {
  const search = new KeySearch();
  search.push(bytes);
  return search.end();
}

/** {@link findKeyMaterial} for content that comes in pieces, of any size in little memory: a key across pieces is found, once. */
export class KeySearch {
  readonly #found: KeyMaterial[] = [];
  #pieces: Uint8Array[] = [];
  #size = 0;
  #line = 1;
  #isStart = true;

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size < WINDOW_BYTES) return;
    const window = this.#window();
    const end = window.length - MAX_KEY_BYTES;
    this.#search(window, end);
    this.#pieces = [window.subarray(end)];
    this.#size = MAX_KEY_BYTES;
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

  /** Adds the keys that begin before `end`. */
  #search(window: Buffer, end: number): void {
    const hits: { at: number; key: KeyText }[] = [];
    const whole = this.#isStart ? binaryKey(window.subarray(0, MAX_BODY_LENGTH)) : undefined;
    this.#isStart = false;
    if (whole) hits.push({ at: 0, key: whole });
    for (const { bytes, width, read } of KEY_BEGINNINGS) {
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

function newlines(window: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = window.indexOf(10, from); at >= 0 && at < to; at = window.indexOf(10, at + 1)) count++;
  return count;
}
