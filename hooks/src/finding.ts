import { decodeUtf8 } from "@agent-vault/vault/read-only";
import type { KeyKind } from "./key-formats/key-format.js";

/** Something that must not be committed. */
export interface ScanFinding {
  /** The file, from the root of the repository, with `/`; bytes of its name that are not UTF-8 are written `\xNN`. */
  readonly file: string;
  /** In a range of commits, the id of the first one that has it. Where `file` is empty, it is in that commit's message. */
  readonly commit?: string;
  /** The line on which a key begins, from 1. */
  readonly line: number | undefined;
  readonly kind: KeyKind | "stray-in-vault" | "not-encrypted" | "link-in-vault";
  /** Of a key: its SHA-256 in hex, by which it can be allowed. */
  readonly fingerprint: string | undefined;
  /** One sentence for a person; never holds the key, and no control character whatever the file is called. */
  readonly message: string;
}

/** The text of a file's name as git stores it. */
export function fileName(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("");
}

/** A file's name within a sentence or a line: as it is, or quoted where it could be misread. */
export function quoted(file: string): string {
  if (!/[\p{C}"\\]|^\s|\s$/u.test(file)) return file;
  return JSON.stringify(file).replace(/\p{C}/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join(""),
  );
}
