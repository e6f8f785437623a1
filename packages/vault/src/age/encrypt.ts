import type { Recipient as LibraryRecipient } from "age-encryption";
import { VaultError } from "../errors.js";
import { invalidFile } from "./invalid-file.js";
import { openFile } from "./decrypt.js";
import { decryptPayload } from "./payload.js";
import { requireUniform, type Recipient } from "./recipient.js";
import { DEFAULT_LOG_N, ScryptRecipient } from "./scrypt.js";

/**
 * Encrypts to a binary age file with a new file key.
 * @param recipients one stanza each, in this order.
 * @throws VaultError `MIXED_RECIPIENTS`, or `INVALID_RECIPIENT` where there is none or one is no public key.
 */
export async function encrypt(plaintext: Uint8Array, recipients: readonly Recipient[]): Promise<Uint8Array> {
  requireUniform(recipients);
  return encryptTo(plaintext, recipients);
}

/**
 * Encrypts for recipients of whom none is the caller, as when an owner leaves a vault. The file is opened again with its file key.
 * @throws VaultError as {@link encrypt}; `DAMAGED` where it does not open to the same
 */
export async function encryptForOthers(plaintext: Uint8Array, recipients: readonly Recipient[]): Promise<Uint8Array> {
  requireUniform(recipients);
  let seen: Uint8Array | undefined;
  // It is told the file key as each recipient is, and leaves no stanza.
  const witness = {
    wrapFileKey: (fileKey: Uint8Array) => {
      seen = new Uint8Array(fileKey);
      return [];
    },
  };
  const file = await encryptTo(plaintext, [...recipients, witness]);
  const opened = await openFile(file, [{ unwrapFileKey: () => seen ?? null }]);
  if (
    opened?.header.stanzas.length === recipients.length &&
    Buffer.compare(decryptPayload(opened.fileKey, opened.payload), plaintext) === 0
  )
    return file;
  throw invalidFile("what was encrypted does not decrypt to the same");
}

/**
 * Encrypts to a binary age file that a passphrase opens, as `age -p` does. Blocks this thread for half a second.
 * @param logN base-two logarithm of the work factor, 1 to 20.
 * @throws VaultError `PASSPHRASE_REQUIRED` for an empty passphrase.
 */
export async function encryptWithPassphrase(plaintext: Uint8Array, passphrase: string, logN = DEFAULT_LOG_N): Promise<Uint8Array> {
  if (passphrase === "") {
    throw new VaultError("PASSPHRASE_REQUIRED", "An empty passphrase protects nothing.", { remedy: "Choose a passphrase." });
  }
  return encryptTo(plaintext, [new ScryptRecipient(passphrase, logN)]);
}

async function encryptTo(plaintext: Uint8Array, recipients: readonly Pick<Recipient, "wrapFileKey">[]): Promise<Uint8Array> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  // The library's type has mutable arguments; it only reads them.
  for (const recipient of recipients) encrypter.addRecipient(recipient as LibraryRecipient);
  return encrypter.encrypt(plaintext);
}
