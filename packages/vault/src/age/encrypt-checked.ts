import { VaultError } from "../errors.js";
import { decrypt } from "./decrypt.js";
import { encrypt } from "./encrypt.js";
import type { Identity } from "./identity.js";
import type { Recipient } from "./recipient.js";

/** Encrypts a value, and decrypts it again to compare. @throws VaultError `MIXED_RECIPIENTS`, `DAMAGED` */
export async function encryptChecked(
  value: Uint8Array,
  recipients: readonly Recipient[],
  identities: readonly Identity[],
): Promise<Uint8Array> {
  const file = await encrypt(value, recipients);
  if (Buffer.compare(await decrypt(file, identities), value) === 0) return file;
  throw new VaultError("DAMAGED", "What was encrypted does not decrypt to the same value.", {
    remedy: "Nothing was changed; please report this.",
  });
}
