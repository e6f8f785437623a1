/** The kinds of private keys that are found. */
export type KeyKind =
  | "age-identity"
  | "age-post-quantum-identity"
  | "agent-vault-token"
  | "private-key-pem"
  | "openssh-private-key"
  | "pgp-private-key"
  | "ssh2-private-key"
  | "openvpn-static-key"
  | "putty-private-key"
  | "minisign-secret-key"
  | "signify-secret-key"
  | "wireguard-private-key"
  | "json-web-key"
  | "tor-secret-key"
  | "private-key-der"
  | "pkcs12"
  | "java-keystore";

/** A private key as its format has it. */
export interface KeyText {
  readonly kind: KeyKind;
  /** What the key's fingerprint is made of, in latin1. */
  readonly text: string;
}

/** How keys of one format are found: by how they begin, and by reading on from there. */
export interface KeyFormat {
  /** What each of these keys begins with or holds. */
  readonly beginning: string;
  read: KeyReader;
}

/**
 * The key that begins at `at`, or `undefined` where there is none.
 * @param width how many bytes a character takes: 2 in UTF-16, where the other byte is zero
 */
export type KeyReader = (window: Buffer, at: number, width: number) => KeyText | undefined;

/** How far after its first character a key is read, in characters: the longest body, and the line before it. */
export const MAX_BODY_LENGTH = 65536;
/** The line before the body, in characters. */
export const MAX_HEADER_LENGTH = 96;
/** A text with fewer different characters than this is a placeholder (`XXXX…`), not a key. */
const MIN_DISTINCT = 8;

/** Whether a text that has the form of a key is there only to show it. */
export function isPlaceholder(text: string): boolean {
  const seen = new Set<number>();
  for (let at = 0; at < text.length && seen.size < MIN_DISTINCT; at++) seen.add(text.charCodeAt(at));
  return seen.size < MIN_DISTINCT;
}

/** Up to `count` characters from `at`, one every `width` bytes. */
export function characters(window: Buffer, at: number, count: number, width: number): string {
  const from = Math.max(0, at);
  const end = Math.min(at + count * width, window.length);
  if (width === 1) return window.toString("latin1", from, end);
  // Every second byte, whatever is between.
  const text = Buffer.from(window.toString("utf16le", from, end), "latin1").toString("latin1");
  // Of the last character at the window's end there may be one byte.
  return (end - from) % 2 === 0 ? text : text + String.fromCharCode(window[end - 1]!);
}

/** The bytes of a text in which each character takes `width` bytes. */
export function encoded(text: string, width: number): Buffer {
  return width === 1 ? Buffer.from(text, "latin1") : Buffer.from(text, "utf16le").subarray(0, -1);
}

/** The characters from `at` on, {@link MAX_BODY_LENGTH} at most, up to where the next key of this format begins. */
export function charactersOfOne(window: Buffer, at: number, width: number, beginning: string): string {
  const most = window.subarray(0, at + MAX_BODY_LENGTH * width);
  const next = most.indexOf(encoded(beginning, width), at + width);
  return characters(window, at, next < 0 ? MAX_BODY_LENGTH : Math.floor((next - at) / width), width);
}
