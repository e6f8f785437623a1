import { createHmac } from "node:crypto";
import { withoutArmor } from "./armor.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { invalidFile } from "./invalid-file.js";
import { hkdf } from "./hkdf.js";

/** One recipient's part of a header: a type with its arguments, and the wrapped file key (C2SP age.md, "Recipient stanza"). */
export interface Stanza {
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

/** The textual head of an age file. */
export interface Header {
  stanzas: Stanza[];
  /** 32 bytes, not yet checked: see {@link headerMac}. */
  mac: Uint8Array;
  /** What the MAC is computed over: everything up to and including `---`. */
  bytesWithoutMac: Uint8Array;
  /** Length in bytes; the payload starts here. */
  size: number;
}

const VERSION_LINE = "age-encryption.org/v1";
const STANZA_PREFIX = "-> ";
const MAC_MARK = "---";
const MAC_LENGTH = 32;
/** The largest header that is read or written, in bytes: that of ten thousand X25519 recipients. */
export const MAX_HEADER_BYTES = 1024 * 1024;
/** Columns of a full line of a stanza's body, and the bytes that they hold. */
const COLUMNS = 64;
const LINE_BYTES = 48;

/**
 * Reads the header of a binary age file, strictly by the grammar of C2SP age.md, "ABNF definition of file header".
 * Stanzas of unknown types are kept; no stanza is opened and the MAC is not checked here.
 * @throws VaultError `DAMAGED`
 */
export function parseHeader(file: Uint8Array): Header {
  const lines = new LineReader(headerText(file));
  lines.next();
  const stanzas: Stanza[] = [];
  let line = lines.next();
  for (; line.startsWith(STANZA_PREFIX); line = lines.next()) {
    stanzas.push({ args: parseArguments(line), body: parseBody(lines) });
  }
  if (stanzas.length === 0) throw invalidFile("its header names no recipient");
  if (!line.startsWith(`${MAC_MARK} `)) throw invalidFile("its header has a line that is neither a recipient nor the end");
  const mac = decodeBase64(line.slice(MAC_MARK.length + 1));
  if (mac?.length !== MAC_LENGTH) throw invalidFile("its header ends in no valid MAC");
  const size = lines.offset;
  return { stanzas, mac, bytesWithoutMac: file.subarray(0, size - 1 - line.length + MAC_MARK.length), size };
}

/**
 * The types of the stanzas of a binary or armored file, in their order: what {@link parseHeader} gives as their first arguments, many
 * times faster, for where the header's grammar is checked later on.
 * @throws VaultError `DAMAGED` where there is no header at all
 */
export function stanzaTypes(file: Uint8Array): string[] {
  const beginnings = headerText(withoutArmor(file)).match(/^-> [!-~]*/gm) ?? [];
  return beginnings.map((beginning) => beginning.slice(STANZA_PREFIX.length));
}

/**
 * What follows the header of a binary or armored file: the same bytes as before where a file was only given to more recipients, and others
 * under each new file key.
 * @throws VaultError `DAMAGED` where there is no header
 */
export function payloadOf(file: Uint8Array): Uint8Array {
  const bytes = withoutArmor(file);
  return bytes.subarray(headerText(bytes).length);
}

/**
 * Writes a header with its MAC. The stanzas of a parsed header come out as the same bytes.
 * @param fileKey 16 bytes.
 * @param before a header whose stanzas come first, byte for byte.
 */
export function encodeHeader(stanzas: readonly Stanza[], fileKey: Uint8Array, before?: Header): Uint8Array {
  const kept = before ? Buffer.from(before.bytesWithoutMac.subarray(0, -MAC_MARK.length)).toString("latin1") : `${VERSION_LINE}\n`;
  const text = `${kept}${stanzas.map(encodeStanza).join("")}${MAC_MARK}`;
  return Buffer.from(`${text} ${encodeBase64(headerMac(fileKey, Buffer.from(text, "latin1")))}\n`, "latin1");
}

/** The 32 bytes that tie the list of stanzas to the file key (C2SP age.md, "Header MAC"). */
export function headerMac(fileKey: Uint8Array, bytesWithoutMac: Uint8Array): Uint8Array {
  return createHmac("sha256", hkdf(fileKey, new Uint8Array(0), "header"))
    .update(bytesWithoutMac)
    .digest();
}

/** Whether `bytes` start as a binary age file of version 1 does. */
export function isBinaryAge(bytes: Uint8Array): boolean {
  return startOf(bytes, VERSION_LINE.length + 1) === `${VERSION_LINE}\n`;
}

function parseArguments(line: string): string[] {
  if (!/^->(?: [!-~]+)+$/.test(line)) throw invalidFile("a recipient in its header has an invalid argument");
  return line.slice(STANZA_PREFIX.length).split(" ");
}

/** A body is any number of full lines and then one that is not, if need be an empty one. */
function parseBody(lines: LineReader): Uint8Array {
  const parts: Uint8Array[] = [];
  let part: Uint8Array | null;
  do {
    const line = lines.next();
    part = line.length <= COLUMNS ? decodeBase64(line) : null;
    if (part === null) throw invalidFile("a recipient in its header has an invalid body");
    parts.push(part);
  } while (part.length === LINE_BYTES);
  return parts.length === 1 ? part : Buffer.concat(parts);
}

function encodeStanza({ args, body }: Stanza): string {
  let text = `${STANZA_PREFIX}${args.join(" ")}\n`;
  for (let start = 0; start <= body.length; start += LINE_BYTES) {
    text += `${encodeBase64(body.subarray(start, start + LINE_BYTES))}\n`;
  }
  return text;
}

function startOf(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
}

/** All lines of a header. Bytes are taken as latin1, so that none is lost or joined. */
function headerText(file: Uint8Array): string {
  if (!isBinaryAge(file)) throw invalidFile("it does not start as an age file of version 1");
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  // The last line of a header is the first that starts so.
  const head = bytes.subarray(0, MAX_HEADER_BYTES);
  const lastLine = head.indexOf(`\n${MAC_MARK}`);
  const end = lastLine < 0 ? -1 : head.indexOf("\n", lastLine + 1);
  if (end < 0) throw invalidFile(bytes.length > MAX_HEADER_BYTES ? "its header is larger than 1 MiB" : "its header breaks off");
  return bytes.toString("latin1", 0, end + 1);
}

/** Hands out the lines of a header, each without its line feed. */
class LineReader {
  offset = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string {
    const end = this.#text.indexOf("\n", this.offset);
    if (end < 0) throw invalidFile("its header breaks off");
    const line = this.#text.slice(this.offset, end);
    this.offset = end + 1;
    return line;
  }
}
