import { randomBytes } from "node:crypto";
import { bech32 } from "@scure/base";
import { VaultError } from "../errors.js";
import type { Stanza } from "./header.js";
import { PostQuantumIdentity } from "./post-quantum.js";
import type { RecipientKind } from "./recipient.js";
import { X25519Identity } from "./x25519.js";

/** A private key to decrypt with. Printing it or writing it as JSON shows its kind and no key. */
export interface Identity {
  readonly kind: RecipientKind;
  /** The key itself, `AGE-SECRET-KEY-...`: for a key file or another thread, and never for a message or a log. */
  reveal(): string;
  /** 32 bytes that only its holder can work out: HKDF-SHA-256 over the secret, with an info string and a salt (RFC 5869). */
  deriveKey(info: string, salt: string): Uint8Array;
  /** The recipient that belongs to it, `age1...`. */
  recipient(): Promise<string>;
  /**
   * @returns the 16 bytes of the file key, or `null` where no stanza is for this identity.
   * @throws VaultError `DAMAGED` for a stanza of this identity's type that breaks the specification.
   */
  unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null | Promise<Uint8Array | null>;
}

const SECRET_LENGTH = 32;
const PREFIXES = { x25519: "AGE-SECRET-KEY-", "post-quantum": "AGE-SECRET-KEY-PQ-" } as const;

/**
 * Reads an identity; white space around it is dropped.
 * @throws VaultError `INVALID_KEY`, which shows nothing of `text`.
 */
export function parseIdentity(text: string): Identity {
  const trimmed = text.trim();
  const secret = decode(trimmed, PREFIXES["post-quantum"]);
  if (secret !== null) return new PostQuantumIdentity(trimmed);
  const scalar = decode(trimmed, PREFIXES.x25519);
  if (scalar !== null) return new X25519Identity(scalar);
  throw new VaultError("INVALID_KEY", "This is not an age identity: its spelling, length or checksum is wrong.", {
    remedy: "An identity is one line that starts with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1; copy it whole.",
  });
}

/** Makes a new identity from 32 random bytes. */
export async function generateIdentity(kind: RecipientKind): Promise<Identity> {
  return parseIdentity(bech32.encodeFromBytes(PREFIXES[kind], randomBytes(SECRET_LENGTH)).toUpperCase());
}

function decode(text: string, prefix: string): Uint8Array | null {
  if (!text.startsWith(`${prefix}1`)) return null;
  try {
    const { bytes } = bech32.decodeToBytes(text);
    return bytes.length === SECRET_LENGTH ? bytes : null;
  } catch {
    // What bech32 throws quotes the key.
    return null;
  }
}
