import { createHmac, timingSafeEqual } from "node:crypto";
import { VaultError, decodeUtf8 } from "@agent-vault/vault/read-only";

/**
 * A macaroon with first-party caveats, as libmacaroons has them: its holder can add caveats and remove none.
 *
 * It is made on node:crypto alone, since all that it takes is HMAC-SHA256 and a few packets. The package `macaroon` would bring three others
 * with cryptography in JavaScript, and doubles its buffer with each write, so that it runs out of memory at the fourth caveat (3.0.4). It
 * judges this file in the tests.
 * @see Birgisson et al., "Macaroons: Cookies with Contextual Caveats for Decentralized Authorization in the Cloud", NDSS 2014
 */
export interface Macaroon {
  /** A hint to where it is for, which is not signed; empty for none. */
  readonly location: string;
  /** What its issuer finds the root key by. */
  readonly identifier: string;
  readonly caveats: readonly string[];
  /** 32 bytes: the HMAC of the last caveat under the signature before it. */
  readonly signature: Uint8Array;
}

const KEY_GENERATOR = "macaroons-key-generator";
const VERSION = 2;
const SIGNATURE_BYTES = 32;
/** The types of packets. */
const END = 0;
const LOCATION = 1;
const IDENTIFIER = 2;
const VERIFICATION_ID = 4;
const SIGNATURE = 6;

/** A macaroon without caveats. @param rootKey any bytes; the signing key is derived from them */
export function createMacaroon(rootKey: Uint8Array, identifier: string, location: string): Macaroon {
  return { location, identifier, caveats: [], signature: hmac(hmac(Buffer.from(KEY_GENERATOR), rootKey), Buffer.from(identifier)) };
}

/** The macaroon with one more caveat. It takes no key. */
export function addCaveat(macaroon: Macaroon, caveat: string): Macaroon {
  const { caveats, signature } = macaroon;
  return { ...macaroon, caveats: [...caveats, caveat], signature: hmac(signature, Buffer.from(caveat)) };
}

/**
 * Holds a macaroon's signature against its root key, in constant time.
 * @returns the signature that it had after each of its caveats, or `undefined` where it was not made with this key
 */
export function verifiedSignatures(macaroon: Macaroon, rootKey: Uint8Array): Uint8Array[] | undefined {
  let signed = createMacaroon(rootKey, macaroon.identifier, macaroon.location);
  const signatures = macaroon.caveats.map((caveat) => (signed = addCaveat(signed, caveat)).signature);
  return timingSafeEqual(signed.signature, macaroon.signature) ? signatures : undefined;
}

/** In the binary format of libmacaroons, version 2. */
export function encodeMacaroon({ location, identifier, caveats, signature }: Macaroon): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(VERSION),
    location === "" ? new Uint8Array() : packet(LOCATION, Buffer.from(location)),
    packet(IDENTIFIER, Buffer.from(identifier)),
    Uint8Array.of(END),
    ...caveats.flatMap((caveat) => [packet(IDENTIFIER, Buffer.from(caveat)), Uint8Array.of(END)]),
    Uint8Array.of(END),
    packet(SIGNATURE, signature),
  ]);
}

/**
 * Reads the binary format of libmacaroons, version 2: just what {@link encodeMacaroon} writes, so that no two spellings are one macaroon.
 * @throws VaultError `TOKEN_INVALID`, also for caveats that a third party would have to discharge
 */
export function decodeMacaroon(bytes: Uint8Array): Macaroon {
  const packets = new Packets(bytes);
  packets.requireByte(VERSION);
  const location = packets.optional(LOCATION);
  const identifier = packets.required(IDENTIFIER);
  packets.requireByte(END);
  const caveats: string[] = [];
  while (!packets.skip(END)) {
    // First-party caveats have no location and no key.
    if (packets.is(LOCATION)) throw thirdParty();
    caveats.push(text(packets.required(IDENTIFIER)));
    if (packets.is(VERIFICATION_ID)) throw thirdParty();
    packets.requireByte(END);
  }
  const signature = packets.required(SIGNATURE);
  const macaroon = { location: location ? text(location) : "", identifier: text(identifier), caveats, signature };
  if (signature.length !== SIGNATURE_BYTES || !Buffer.from(encodeMacaroon(macaroon)).equals(bytes)) throw malformed();
  return macaroon;
}

/** `TOKEN_INVALID`. @param reason a clause without a full stop */
export function malformedToken(reason: string): VaultError {
  return new VaultError("TOKEN_INVALID", `This is not a token of agent-vault: ${reason}.`, {
    remedy: "Check that all of it was copied, or mint a new one with agent-vault token mint.",
  });
}

/** A reader of packets: a type, a length and as many bytes. */
class Packets {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  is(byte: number): boolean {
    return this.#bytes[this.#at] === byte;
  }

  skip(byte: number): boolean {
    if (!this.is(byte)) return false;
    this.#at++;
    return true;
  }

  requireByte(byte: number): void {
    if (!this.skip(byte)) throw malformed();
  }

  optional(type: number): Uint8Array | undefined {
    if (!this.skip(type)) return undefined;
    const length = this.#varint();
    if (length > this.#bytes.length - this.#at) throw malformed();
    return this.#bytes.slice(this.#at, (this.#at += length));
  }

  required(type: number): Uint8Array {
    const data = this.optional(type);
    if (!data) throw malformed();
    return data;
  }

  /** Seven bits a byte, the lowest first; no length needs more than three. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0xff;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  }
}

function packet(type: number, data: Uint8Array): Uint8Array {
  const head = [type];
  let rest = data.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Uint8Array.of(...head, rest), data]);
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(data).digest());
}

function text(bytes: Uint8Array): string {
  const decoded = decodeUtf8(bytes);
  if (decoded === undefined) throw malformed();
  return decoded;
}

const malformed = () => malformedToken("it is not a macaroon of version 2");
const thirdParty = () => malformedToken("it has a third-party caveat");
