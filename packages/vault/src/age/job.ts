import { VaultError } from "../errors.js";
import { decrypt } from "./decrypt.js";
import { encryptChecked } from "./encrypt-checked.js";
import { encryptForOthers } from "./encrypt.js";
import type { Identity } from "./identity.js";
import { parseRecipient, type Recipient } from "./recipient.js";
import { addRecipients } from "./rewrap.js";

/** One file's part of a batch. */
export interface ReencryptJob {
  /**
   * `add-recipients` keeps the file key (see {@link addRecipients}); `re-encrypt` takes a new one, for exactly the recipients of the set;
   * `encrypt-for-others` does so where none of the identities opens the result; `encrypt` is given a value and not an age file.
   */
  readonly kind: "add-recipients" | "re-encrypt" | "encrypt-for-others" | "encrypt";
  /** What errors call the file, such as its path. */
  readonly name: string;
  readonly file: Uint8Array;
  /** Index of the set of recipients: those to add, or all. */
  readonly recipients: number;
}

/** Reads sets of recipients, each distinct recipient once. @throws VaultError `INVALID_RECIPIENT` */
export function parseRecipientSets(sets: readonly (readonly string[])[]): Recipient[][] {
  const known = new Map<string, Recipient>();
  return sets.map((set) =>
    set.map((text) => {
      const recipient = known.get(text) ?? parseRecipient(text);
      known.set(text, recipient);
      return recipient;
    }),
  );
}

/**
 * Does one job and returns the new file, which was decrypted again, with its file key where no identity is left that opens it.
 * @throws VaultError as the operation does, with the job's name before the message; `FAILED` for any other error.
 */
export async function runJob(job: ReencryptJob, recipients: readonly Recipient[], identities: readonly Identity[]): Promise<Uint8Array> {
  try {
    if (job.kind === "encrypt") return await encryptChecked(job.file, recipients, identities);
    if (job.kind === "re-encrypt") return await encryptChecked(await decrypt(job.file, identities), recipients, identities);
    if (job.kind === "encrypt-for-others") return await encryptForOthers(await decrypt(job.file, identities), recipients);
    return await addRecipients(job.file, identities[0]!, recipients);
  } catch (error) {
    const { code, message, remedy } = error instanceof VaultError ? error : new VaultError("FAILED", String(error));
    throw new VaultError(code, `${job.name}: ${message}`, { remedy, cause: error });
  }
}
