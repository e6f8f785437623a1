import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { VaultError } from "../errors.js";

/** What our signatures are for; a signature made for another purpose does not verify (OpenSSH PROTOCOL.sshsig, section 2). */
export const NAMESPACE = "agent-vault";

const KEY_TYPE = "ssh-ed25519";
const MAGIC = "SSHSIG";
const HASH = "sha512";
const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const COLUMNS = 70;
const MAX_BYTES = 4096;
/** DER of an Ed25519 public key, up to its 32 bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** An Ed25519 public key as OpenSSH writes it: `ssh-ed25519 AAAA...`, without a comment. */
export type SshPublicKey = string & { readonly __brand: "SshPublicKey" };

/** A signature that was read and not yet checked. */
export interface SshSignature {
  /** Who claims to have signed. */
  readonly key: SshPublicKey;
  readonly signature: Uint8Array;
}

/** @param point the 32 bytes of an Ed25519 public key */
export function formatSshPublicKey(point: Uint8Array): SshPublicKey {
  return `${KEY_TYPE} ${Buffer.concat([string(KEY_TYPE), string(point)]).toString("base64")}` as SshPublicKey;
}

/**
 * Reads `ssh-ed25519 AAAA...`; a comment behind it is dropped.
 * @returns `undefined` where it is none
 */
export function parseSshPublicKey(text: string): SshPublicKey | undefined {
  const [type, encoded] = text.trim().split(/\s+/);
  if (type !== KEY_TYPE || encoded === undefined) return undefined;
  const point = pointOf(Buffer.from(encoded, "base64"));
  const key = point && formatSshPublicKey(point);
  return key === `${type} ${encoded}` ? key : undefined;
}

/** SHA-256 of the key as `ssh-keygen -l` prints it: `SHA256:...`. */
export function fingerprint(key: SshPublicKey): string {
  return `SHA256:${createHash("sha256").update(blobOf(key)).digest("base64").replace(/=+$/, "")}`;
}

/**
 * Signs a message (PROTOCOL.sshsig, sections 2 and 3), as `ssh-keygen -Y sign -n agent-vault` does.
 * @returns the armored signature, which `ssh-keygen -Y verify` checks
 */
export function signMessage(message: Uint8Array, privateKey: KeyObject, key: SshPublicKey): Uint8Array {
  const signature = sign(null, signedData(message), privateKey);
  const blob = Buffer.concat([
    Buffer.from(MAGIC),
    uint32(1),
    string(blobOf(key)),
    string(NAMESPACE),
    string(""),
    string(HASH),
    string(Buffer.concat([string(KEY_TYPE), string(signature)])),
  ]);
  const lines = blob.toString("base64").match(new RegExp(`.{1,${COLUMNS}}`, "g"))!;
  return Buffer.from(`${[BEGIN, ...lines, END].join("\n")}\n`);
}

/** Reads an armored signature of our namespace by an Ed25519 key. @throws VaultError `BAD_SIGNATURE` */
export function parseSignature(armored: Uint8Array): SshSignature {
  if (armored.length > MAX_BYTES) throw badSignature("it is larger than any signature");
  const lines = Buffer.from(armored).toString("latin1").trimEnd().split(/\r?\n/);
  if (lines[0] !== BEGIN || lines.at(-1) !== END) throw badSignature("it is no SSH signature");
  const reader = new Reader(Buffer.from(lines.slice(1, -1).join(""), "base64"));
  if (reader.take(MAGIC.length).toString("latin1") !== MAGIC || reader.number() !== 1) throw badSignature("it is no SSH signature");
  const point = pointOf(reader.string());
  if (!point) throw badSignature("it was not made by an Ed25519 key");
  const namespace = reader.string().toString("latin1");
  if (namespace !== NAMESPACE) throw badSignature("it was made for another purpose");
  reader.string();
  const hash = reader.string().toString("latin1");
  if (hash !== HASH) throw badSignature("it is over an unusual hash");
  const inner = new Reader(reader.string());
  const type = inner.string().toString("latin1");
  const signature = inner.string();
  if (type !== KEY_TYPE || signature.length !== 64 || !inner.ended || !reader.ended) throw badSignature("it is no Ed25519 signature");
  return { key: formatSshPublicKey(point), signature };
}

/** Whether the key that a signature names has made it over these bytes. */
export function isSignatureOf({ key, signature }: SshSignature, message: Uint8Array): boolean {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, pointOf(blobOf(key))!]), format: "der", type: "spki" });
  return verify(null, signedData(message), publicKey, signature);
}

/** The error `BAD_SIGNATURE` of a lock whose signature does not verify; `reason` completes its sentence. */
export function badSignature(reason: string, cause?: unknown): VaultError {
  return new VaultError("BAD_SIGNATURE", `The signature of the vault's state is not valid: ${reason}.`, {
    remedy: "Do not use this copy: it may have been changed. Find out with an owner, and with git log, where it comes from.",
    cause,
  });
}

function signedData(message: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(MAGIC),
    string(NAMESPACE),
    string(""),
    string(HASH),
    string(createHash(HASH).update(message).digest()),
  ]);
}

function blobOf(key: SshPublicKey): Buffer {
  return Buffer.from(key.slice(KEY_TYPE.length + 1), "base64");
}

/** The 32 bytes of a public key's blob, or `undefined` where it is no Ed25519 key. */
function pointOf(blob: Buffer): Buffer | undefined {
  try {
    const reader = new Reader(blob);
    const type = reader.string().toString("latin1");
    const point = reader.string();
    return type === KEY_TYPE && point.length === 32 && reader.ended ? point : undefined;
  } catch {
    return undefined;
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string of the SSH protocol (RFC 4251, section 5): its length, then its bytes. */
function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

class Reader {
  #offset = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#offset === this.#bytes.length;
  }

  take(length: number): Buffer {
    if (this.#offset + length > this.#bytes.length) throw badSignature("it ends too early");
    return this.#bytes.subarray(this.#offset, (this.#offset += length));
  }

  number(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.number());
  }
}
