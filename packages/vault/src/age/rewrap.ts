import { decrypt, notAuthorized, openFile } from "./decrypt.js";
import { encodeHeader, type Stanza } from "./header.js";
import type { Identity } from "./identity.js";
import { kindOfStanza, mixedRecipients, requireUniform, type RecipientKind, type Recipient } from "./recipient.js";

/**
 * Lets more recipients open a file, at a cost that does not grow with those it has: file key, payload and stanzas stay as they are,
 * byte for byte; stanzas are appended and the header gets a new MAC. The result was decrypted before it is returned.
 *
 * Anyone who can open a file knows its file key and can have added a reader unseen. So this is for a file whose bytes are the signed
 * ones, and never for taking a reader away, which needs a new file key.
 * @param identity opens the file.
 * @param add recipients of the file's kind that it does not have yet.
 * @returns a binary age file, also where `file` was armored.
 * @throws VaultError `NOT_AUTHORIZED`, `DAMAGED`, `MIXED_RECIPIENTS`, or `INVALID_RECIPIENT` where `add` is empty.
 */
export async function addRecipients(file: Uint8Array, identity: Identity, add: readonly Recipient[]): Promise<Uint8Array> {
  requireUniform(add);
  const opened = await openFile(file, [identity]);
  if (opened === null) throw notAuthorized(file);
  const { header, fileKey, payload } = opened;
  requireKind(header.stanzas, add[0]!.kind);

  const added: Stanza[] = [];
  for (const recipient of add) added.push(...(await recipient.wrapFileKey(fileKey)));
  const result = join(encodeHeader(added, fileKey, header), payload);
  await decrypt(result, [identity]);
  return result;
}

function requireKind(stanzas: readonly Stanza[], kind: RecipientKind): void {
  if (stanzas.some(({ args }) => (kindOfStanza(args[0]!) ?? kind) !== kind)) throw mixedRecipients();
}

/** Unlike Buffer.concat, never a part of a shared pool: a batch hands the memory to another thread. */
function join(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
