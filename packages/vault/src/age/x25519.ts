import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { bech32 } from "@scure/base";
import { VaultError } from "../errors.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { invalidFile } from "./invalid-file.js";
import { openFileKey, sealFileKey } from "./file-key.js";
import type { Stanza } from "./header.js";
import { hkdf } from "./hkdf.js";

const STANZA_TYPE = "X25519";
const INFO = "age-encryption.org/v1/X25519";
const KEY_LENGTH = 32;
/** DER of a PKCS #8 X25519 key, up to its 32 secret bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const BASE_POINT = importPublicKey(Buffer.alloc(KEY_LENGTH).fill(9, 0, 1));

/** A recipient `age1...` (C2SP age.md, "The X25519 recipient type"). */
export class X25519Recipient {
  readonly kind = "x25519";
  readonly text: string;
  readonly #point: Uint8Array;
  readonly #publicKey: KeyObject;

  /** @param point 32 bytes. @throws VaultError `INVALID_RECIPIENT` for a point of low order, which would give the file key to everybody. */
  constructor(point: Uint8Array) {
    this.text = bech32.encodeFromBytes("age", point);
    this.#point = point;
    this.#publicKey = importPublicKey(point);
    this.wrapFileKey(new Uint8Array(16));
  }

  /** @returns one stanza with an ephemeral key of its own. */
  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    // A fresh key is never exported (Node 20 can hang there): its share is its product with the base point.
    const { privateKey } = generateKeyPairSync("x25519");
    const share = diffieHellman({ privateKey, publicKey: BASE_POINT });
    const secret = sharedSecret(privateKey, this.#publicKey);
    if (secret === null) {
      throw new VaultError("INVALID_RECIPIENT", "The recipient is a low-order point: anybody could decrypt what is encrypted for it.", {
        remedy: "Ask its holder for the right recipient, and find out where this one came from.",
      });
    }
    const wrapKey = hkdf(secret, Buffer.concat([share, this.#point]), INFO);
    return [{ args: [STANZA_TYPE, encodeBase64(share)], body: sealFileKey(fileKey, wrapKey) }];
  }
}

/** An identity `AGE-SECRET-KEY-1...`. Printing and serializing it show no key. */
export class X25519Identity {
  readonly kind = "x25519";
  readonly #scalar: Uint8Array;
  readonly #privateKey: KeyObject;
  readonly #point: Uint8Array;

  /** @param scalar 32 secret bytes. */
  constructor(scalar: Uint8Array) {
    this.#scalar = scalar;
    this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, scalar]), format: "der", type: "pkcs8" });
    this.#point = diffieHellman({ privateKey: this.#privateKey, publicKey: BASE_POINT });
  }

  /** The identity's text, for a key file or another thread. */
  reveal(): string {
    return bech32.encodeFromBytes("AGE-SECRET-KEY-", this.#scalar).toUpperCase();
  }

  deriveKey(info: string, salt: string): Uint8Array {
    return hkdf(this.#scalar, Buffer.from(salt), info);
  }

  async recipient(): Promise<string> {
    return bech32.encodeFromBytes("age", this.#point);
  }

  /**
   * @returns the 16 bytes of the file key, or `null` where no stanza is for this identity.
   * @throws VaultError `DAMAGED` for an X25519 stanza that breaks the specification.
   */
  unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null {
    for (const { args, body } of stanzas) {
      if (args[0] !== STANZA_TYPE) continue;
      const share = args.length === 2 ? decodeBase64(args[1]!) : null;
      if (share?.length !== KEY_LENGTH) throw invalidFile("an X25519 recipient in its header is invalid");
      const secret = sharedSecret(this.#privateKey, importPublicKey(share));
      if (secret === null) throw invalidFile("an X25519 recipient in its header is a point of low order");
      const fileKey = openFileKey(body, hkdf(secret, Buffer.concat([share, this.#point]), INFO));
      if (fileKey !== null) return fileKey;
    }
    return null;
  }
}

/** X25519, or `null` where the result is all zero, which OpenSSL refuses to give out: the public key is a point of low order. */
function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Uint8Array | null {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return null;
  }
}

/** Of the ways into a KeyObject, a JWK is the fastest by far. */
function importPublicKey(point: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x: Buffer.from(point).toString("base64url") }, format: "jwk" });
}
