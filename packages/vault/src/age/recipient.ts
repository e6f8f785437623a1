import { bech32 } from "@scure/base";
import { VaultError } from "../errors.js";
import type { Stanza } from "./header.js";
import { PostQuantumRecipient, RECIPIENT_LENGTH as POST_QUANTUM_LENGTH } from "./post-quantum.js";
import { X25519Recipient } from "./x25519.js";

/** `x25519` is classic age (`age1...`), `post-quantum` its hybrid of ML-KEM-768 and X25519 (`age1pq1...`). */
export type RecipientKind = "x25519" | "post-quantum";

/** A public key to encrypt to. */
export interface Recipient {
  readonly kind: RecipientKind;
  /** `age1...`, without white space around it. */
  readonly text: string;
  /** @param fileKey 16 bytes. @returns the stanzas that let this recipient's identity find the file key. */
  wrapFileKey(fileKey: Uint8Array): Stanza[] | Promise<Stanza[]>;
}

/** The type of the stanza that a recipient of each kind has in a header. */
const STANZA_TYPES: Readonly<Record<RecipientKind, string>> = { x25519: "X25519", "post-quantum": "mlkem768x25519" };

/** Whether a file with stanzas of these types has exactly `count` recipients, all of one kind. */
export function hasRecipients(types: readonly string[], count: number, kind: RecipientKind): boolean {
  return types.length === count && types.every((type) => type === STANZA_TYPES[kind]);
}

/** The kind of recipient that has a stanza of this type, or `undefined` for a type that is not known. */
export function kindOfStanza(type: string): RecipientKind | undefined {
  return type === STANZA_TYPES.x25519 ? "x25519" : type === STANZA_TYPES["post-quantum"] ? "post-quantum" : undefined;
}

/** How many stanzas fit into the largest header that is read. */
const MAX_RECIPIENTS: Readonly<Record<RecipientKind, number>> = { x25519: 10_000, "post-quantum": 600 };
const X25519_LENGTH = 32;
const REMEDY = "Use the recipient that age-keygen or agent-vault printed: age1 and 58 more characters, or age1pq1 and many more.";

/**
 * Reads a recipient; white space around it is dropped, as the files that hold one end in a line feed or not.
 * @throws VaultError `INVALID_RECIPIENT`, showing no more of `text` than a public key's beginning.
 */
export function parseRecipient(text: string): Recipient {
  const trimmed = text.trim();
  if (/secret-key/i.test(trimmed)) {
    throw new VaultError("INVALID_RECIPIENT", "A private key was given where a recipient belongs.", {
      remedy: "Give its recipient instead (age1...); age-keygen -y prints it.",
    });
  }
  if (trimmed.startsWith("age1pq1")) {
    return new PostQuantumRecipient(trimmed, decode(trimmed, "age1pq", POST_QUANTUM_LENGTH));
  }
  return new X25519Recipient(decode(trimmed, "age", X25519_LENGTH));
}

/**
 * Refuses recipients that must not share a file: a classic one among post-quantum ones would void those.
 * @throws VaultError `MIXED_RECIPIENTS`, or `INVALID_RECIPIENT` where there is none, as nobody could open the file, or too many.
 */
export function requireUniform(recipients: readonly Recipient[]): void {
  if (recipients.length === 0) {
    throw new VaultError("INVALID_RECIPIENT", "There is no recipient to encrypt to.", {
      remedy: "Name at least one recipient, such as the owner.",
    });
  }
  if (new Set(recipients.map(({ kind }) => kind)).size > 1) throw mixedRecipients();
  const limit = MAX_RECIPIENTS[recipients[0]!.kind];
  if (recipients.length > limit) {
    throw new VaultError("INVALID_RECIPIENT", `${recipients.length} recipients are more than the ${limit} that one file can have.`, {
      remedy: "Grant fewer agents the secret, or let several programs share an agent.",
    });
  }
}

/** The error for classic and post-quantum keys on one file. */
export function mixedRecipients(): VaultError {
  return new VaultError("MIXED_RECIPIENTS", "Classic (age1...) and post-quantum (age1pq1...) recipients cannot share a file.", {
    remedy: "Use keys of one kind for all owners and agents: with a classic recipient among them, a file is no safer than classic.",
  });
}

function decode(text: string, prefix: string, length: number): Uint8Array {
  if (text.startsWith(`${prefix}1`)) {
    try {
      const { words } = bech32.decode(text as `${string}1${string}`, false);
      const bytes = bech32.fromWords(words);
      if (bytes.length === length) return bytes;
    } catch {
      // The cause would quote all of the text.
    }
  }
  const shown = text.startsWith("age1") ? ` (${text.slice(0, 12)}...)` : "";
  throw new VaultError("INVALID_RECIPIENT", `This is not a recipient of age${shown}: its spelling, length or checksum is wrong.`, {
    remedy: REMEDY,
  });
}
