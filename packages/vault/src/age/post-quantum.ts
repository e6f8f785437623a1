import { bech32 } from "@scure/base";
import { VaultError } from "../errors.js";
import { invalidFile } from "./invalid-file.js";
import type { Stanza } from "./header.js";
import { hkdf } from "./hkdf.js";

/** Bytes of a recipient: an ML-KEM-768 encapsulation key and an X25519 point. */
export const RECIPIENT_LENGTH = 1216;
/** The part of an encapsulation key that is 768 coefficients of 12 bits, and what they are smaller than (FIPS 203). */
const COEFFICIENT_BYTES = 1152;
const MODULUS = 3329;

/** A recipient `age1pq1...` (C2SP age.md, "The MLKEM768-X25519 hybrid post-quantum recipient type"), through age-encryption. */
export class PostQuantumRecipient {
  readonly kind = "post-quantum";
  readonly text: string;

  /** @param text bech32 of `bytes`. @throws VaultError `INVALID_RECIPIENT` where they are no public key. */
  constructor(text: string, bytes: Uint8Array) {
    this.text = text;
    if (!isReduced(bytes.subarray(0, COEFFICIENT_BYTES))) throw noPublicKey(text);
  }

  /** @throws VaultError `INVALID_RECIPIENT` where the X25519 part is a point of low order. */
  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const { Encrypter } = await import("age-encryption");
    const encrypter = new Encrypter();
    encrypter.addRecipient(this.text);
    const [recipient] = inside(encrypter).recipients;
    try {
      return recipient!.wrapFileKey(fileKey);
    } catch (cause) {
      throw noPublicKey(this.text, cause);
    }
  }
}

/** An identity `AGE-SECRET-KEY-PQ-1...`, through age-encryption. Printing and serializing it show no key. */
export class PostQuantumIdentity {
  readonly kind = "post-quantum";
  readonly #text: string;

  /** @param text checked bech32 of 32 secret bytes. */
  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  deriveKey(info: string, salt: string): Uint8Array {
    return hkdf(bech32.decodeToBytes(this.#text).bytes, Buffer.from(salt), info);
  }

  async recipient(): Promise<string> {
    const { identityToRecipient } = await import("age-encryption");
    return identityToRecipient(this.#text);
  }

  /** @throws VaultError `DAMAGED` for a post-quantum stanza that breaks the specification. */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Uint8Array | null> {
    const { Decrypter } = await import("age-encryption");
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.#text);
    const [identity] = inside(decrypter).identities;
    try {
      return identity!.unwrapFileKey(stanzas);
    } catch (cause) {
      throw invalidFile("a post-quantum recipient in its header is invalid", cause);
    }
  }
}

/** The modulus check of FIPS 203, section 7.2, which the library means to do and (in @noble/post-quantum 0.5.4) does not. */
function isReduced(coefficients: Uint8Array): boolean {
  for (let at = 0; at < coefficients.length; at += 3) {
    const pair = coefficients[at]! | (coefficients[at + 1]! << 8) | (coefficients[at + 2]! << 16);
    if ((pair & 0xfff) >= MODULUS || pair >> 12 >= MODULUS) return false;
  }
  return true;
}

function noPublicKey(text: string, cause?: unknown): VaultError {
  return new VaultError("INVALID_RECIPIENT", `The recipient ${text.slice(0, 12)}... is no post-quantum public key.`, {
    remedy: "Ask its holder for the right recipient.",
    cause,
  });
}

/** The fields of age-encryption's Encrypter and Decrypter that its types call private. */
interface Fields {
  readonly recipients: readonly { wrapFileKey(fileKey: Uint8Array): Stanza[] }[];
  readonly identities: readonly { unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null }[];
}

/**
 * age-encryption does not export its post-quantum classes, and its Encrypter and Decrypter take no file key from outside,
 * which adding a recipient to a file needs. They hold the instances in plain fields; the exact version is pinned, and the tests use both.
 */
function inside(object: object): Fields {
  return object as Fields;
}
