import { timingSafeEqual } from "node:crypto";
import { VaultError } from "../errors.js";
import { isArmored, withoutArmor } from "./armor.js";
import { invalidFile } from "./invalid-file.js";
import { headerMac, parseHeader, type Header } from "./header.js";
import type { Identity } from "./identity.js";
import { decryptPayload } from "./payload.js";
import { SCRYPT_STANZA_TYPE, ScryptIdentity } from "./scrypt.js";

/** An age file whose header was opened and checked. */
export interface OpenedFile {
  readonly header: Header;
  /** 16 bytes. */
  readonly fileKey: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * Decrypts an age file, binary or armored, with the first identity that fits. X25519 identities need no library.
 * @throws VaultError `NOT_AUTHORIZED` where no identity fits; `DAMAGED` where the file is malformed or was changed.
 */
export async function decrypt(file: Uint8Array, identities: readonly Identity[]): Promise<Uint8Array> {
  const opened = await openFile(file, identities);
  if (opened === null) throw notAuthorized(file);
  return decryptPayload(opened.fileKey, opened.payload);
}

/**
 * Decrypts an age file that was encrypted with a passphrase. Blocks this thread for half a second at the usual work factor.
 * @throws VaultError `WRONG_PASSPHRASE`; `NOT_AUTHORIZED` where the file takes a key and no passphrase; `DAMAGED`.
 */
export async function decryptWithPassphrase(file: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const opened = await openFile(file, [new ScryptIdentity(passphrase)]);
  if (opened !== null) return decryptPayload(opened.fileKey, opened.payload);
  if (isPassphraseEncrypted(file)) {
    throw new VaultError("WRONG_PASSPHRASE", "The passphrase is wrong.", { remedy: "Try again; upper and lower case matter." });
  }
  throw new VaultError("NOT_AUTHORIZED", "The file is encrypted to keys, and no passphrase opens it.", {
    remedy: "Use an identity that it is encrypted to.",
  });
}

/** Whether `file` starts as an age file that a passphrase opens, binary or armored. */
export function isPassphraseEncrypted(file: Uint8Array): boolean {
  let start = Buffer.from(file.subarray(0, 1024)).toString("latin1");
  if (isArmored(file)) start = Buffer.from(start.trimStart().split("\n")[1] ?? "", "base64").toString("latin1");
  return start.startsWith(`age-encryption.org/v1\n-> ${SCRYPT_STANZA_TYPE} `);
}

/**
 * Opens a file's header with the first identity that fits and checks its MAC. The payload is not looked at.
 * @returns `null` where no identity fits.
 * @throws VaultError `DAMAGED`
 */
export async function openFile(file: Uint8Array, identities: readonly Pick<Identity, "unwrapFileKey">[]): Promise<OpenedFile | null> {
  const binary = withoutArmor(file);
  const header = parseHeader(binary);
  for (const identity of identities) {
    const fileKey = await identity.unwrapFileKey(header.stanzas);
    if (fileKey === null) continue;
    if (!timingSafeEqual(headerMac(fileKey, header.bytesWithoutMac), header.mac)) {
      throw invalidFile("its header does not match its MAC, so its recipients were changed");
    }
    return { header, fileKey, payload: binary.subarray(header.size) };
  }
  return null;
}

/** The error for a file that none of the given identities opens. */
export function notAuthorized(file: Uint8Array): VaultError {
  return isPassphraseEncrypted(file)
    ? new VaultError("NOT_AUTHORIZED", "The file is encrypted with a passphrase, and no identity opens it.", {
        remedy: "Give the passphrase.",
      })
    : new VaultError("NOT_AUTHORIZED", "The file is encrypted to other keys than yours.", {
        remedy: "Use a key that was granted the secret, or ask an owner for a grant.",
      });
}
