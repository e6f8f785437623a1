import { randomBytes, scryptSync } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { invalidFile } from "./invalid-file.js";
import { openFileKey, sealFileKey } from "./file-key.js";
import type { Stanza } from "./header.js";

/** First argument of a passphrase's stanza. */
export const SCRYPT_STANZA_TYPE = "scrypt";
/** Base-two logarithm of the work factor: about half a second, and what `age -p` writes. */
export const DEFAULT_LOG_N = 18;
/** Beyond this a file is refused: each step doubles time and memory, and 20 takes 1 GiB. */
const MAX_LOG_N = 20;
const LABEL = Buffer.from("age-encryption.org/v1/scrypt");
const SALT_LENGTH = 16;
const BLOCK_SIZE = 8;

/** A passphrase to encrypt to (C2SP age.md, "The scrypt recipient type"). Deriving the key blocks this thread. */
export class ScryptRecipient {
  readonly #passphrase: string;
  readonly #logN: number;

  /** @param logN 1 to 20. */
  constructor(passphrase: string, logN = DEFAULT_LOG_N) {
    this.#passphrase = passphrase;
    this.#logN = logN;
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const salt = randomBytes(SALT_LENGTH);
    const body = sealFileKey(fileKey, deriveKey(this.#passphrase, salt, this.#logN));
    return [{ args: [SCRYPT_STANZA_TYPE, encodeBase64(salt), String(this.#logN)], body }];
  }
}

/** A passphrase to decrypt with. Deriving the key blocks this thread. */
export class ScryptIdentity {
  readonly #passphrase: string;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  /**
   * @returns the 16 bytes of the file key, or `null` where there is no passphrase stanza or the passphrase is another.
   * @throws VaultError `DAMAGED` for a stanza that breaks the specification, asks for too much work, or is not alone.
   */
  unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null {
    const stanza = stanzas.find(({ args }) => args[0] === SCRYPT_STANZA_TYPE);
    if (stanza === undefined) return null;
    // Alone, so that a file that a passphrase opens can only have been made by a holder of the passphrase.
    if (stanzas.length !== 1) throw invalidFile("a passphrase is not its only recipient");
    const [, saltText, logNText, ...rest] = stanza.args;
    const salt = decodeBase64(saltText ?? "");
    if (salt?.length !== SALT_LENGTH || rest.length > 0 || !/^[1-9][0-9]*$/.test(logNText ?? "")) {
      throw invalidFile("the passphrase's part of its header is invalid");
    }
    const logN = Number(logNText);
    if (logN > MAX_LOG_N) throw invalidFile(`its passphrase asks for a work factor of 2^${logNText}, more than 2^${MAX_LOG_N}`);
    return openFileKey(stanza.body, deriveKey(this.#passphrase, salt, logN));
  }
}

function deriveKey(passphrase: string, salt: Uint8Array, logN: number): Uint8Array {
  const N = 2 ** logN;
  return scryptSync(passphrase, Buffer.concat([LABEL, salt]), 32, {
    N,
    r: BLOCK_SIZE,
    p: 1,
    maxmem: 128 * BLOCK_SIZE * N + 2 ** 20,
  });
}
