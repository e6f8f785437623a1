// Files that are a key from their first byte on.
import type { KeyKind, KeyText } from "./key-format.js";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const PKCS7_DATA = Buffer.from("2a864886f70d010701", "hex");
/** PKCS #5 and PKCS #12 encryption, by which a PKCS #8 key is locked. */
const PASSWORD_BASED = [Buffer.from("2a864886f70d0105", "hex"), Buffer.from("2a864886f70d010c01", "hex")];
const JAVA_KEYSTORES = new Set([0xfeedfeed, 0xcececece]);
const TOR_SECRET = Buffer.from("== ed25519v1-secret: type");
/** RFC 9580, section 9.1: RSA, DSA, elliptic curves and Elgamal. */
const PGP_ALGORITHMS = new Set([1, 2, 3, 16, 17, 18, 19, 22, 25, 26, 27, 28]);

/** The key that `file` is, of which `head` has the first bytes. */
export function binaryKey(head: Buffer): KeyText | undefined {
  const kind = kindOf(head);
  const end = head[0] === SEQUENCE ? item(head)?.end : undefined;
  // A key that is also kept in PEM has one fingerprint.
  return kind && { kind, text: head.subarray(0, end).toString("base64") };
}

function kindOf(head: Buffer): KeyKind | undefined {
  if (head[0] === SEQUENCE) return derKind(head);
  if (head.length >= 8 && JAVA_KEYSTORES.has(head.readUInt32BE(0)) && head.readUInt32BE(4) <= 2) return "java-keystore";
  if (head.subarray(0, TOR_SECRET.length).equals(TOR_SECRET)) return "tor-secret-key";
  return isPgpSecretKey(head) ? "pgp-private-key" : undefined;
}

/** One item of DER (X.690): its tag and what is in it. */
interface Item {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next item starts. */
  readonly end: number;
}

/** Long ones may go on behind `bytes`. @returns `undefined` where there is no item */
function item(bytes: Buffer, at = 0): Item | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  // BER, as some write PKCS #12, has items that go on until they end.
  if (first === 0x80) return { tag, content: bytes.subarray(start), end: bytes.length };
  if (lengthBytes > 4 || start > bytes.length) return undefined;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}

function derKind(bytes: Buffer): KeyKind | undefined {
  const outer = item(bytes);
  const [first, second, third] = outer ? items(outer.content) : [];
  if (first?.tag === INTEGER && first.content.length === 1 && second !== undefined) {
    const version = first.content[0]!;
    if (version === 3 && second.tag === SEQUENCE && objectId(second).equals(PKCS7_DATA)) return "pkcs12";
    // PKCS #8 (RFC 5958), PKCS #1 (RFC 8017), SEC 1 (RFC 5915).
    if (version <= 1 && second.tag === SEQUENCE && objectId(second).length > 0 && third?.tag === OCTET_STRING) return "private-key-der";
    if (version <= 1 && second.tag === INTEGER && second.content.length >= 64 && third?.tag === INTEGER) return "private-key-der";
    if (version === 1 && second.tag === OCTET_STRING && second.content.length >= 20) return "private-key-der";
  }
  const isLocked = first?.tag === SEQUENCE && PASSWORD_BASED.some((id) => objectId(first).subarray(0, id.length).equals(id));
  return isLocked && second?.tag === OCTET_STRING ? "private-key-der" : undefined;
}

function items(bytes: Buffer): Item[] {
  const found: Item[] = [];
  for (let at = 0; found.length < 3;) {
    const next = item(bytes, at);
    if (!next) break;
    found.push(next);
    at = next.end;
  }
  return found;
}

/** The object identifier that a sequence begins with, or nothing. */
function objectId({ content }: Item): Buffer {
  const first = item(content);
  return first?.tag === OBJECT_ID ? first.content : Buffer.alloc(0);
}

/** A packet of a secret key (RFC 9580, sections 4.2 and 5.5.3), as `gpg --export-secret-keys` writes it. */
function isPgpSecretKey(head: Buffer): boolean {
  const tag = head[0] ?? 0;
  const isNew = (tag & 0xc0) === 0xc0;
  const isSecretKey = isNew ? (tag & 0x3f) === 5 : (tag & 0xfc) === 0x94;
  if (!isSecretKey) return false;
  const start = isNew ? ((head[1] ?? 0) < 0xc0 ? 2 : (head[1] ?? 0) < 0xe0 ? 3 : 6) : 1 + [1, 2, 4, 0][tag & 3]!;
  const version = head[start] ?? 0;
  return (version === 4 || version === 5 || version === 6) && PGP_ALGORITHMS.has(head[start + 5] ?? 0);
}
