import type { Identity } from "../age/identity.js";
import { decrypt } from "../age/decrypt.js";
import { stanzaTypes } from "../age/header.js";
import { runBatch, type ReencryptJob } from "../age/batch.js";
import { hasRecipients, parseRecipient, requireUniform } from "../age/recipient.js";
import { RecipientSets } from "../age/recipient-sets.js";
import type { Context } from "../context.js";
import type { FileChanges } from "../files/changes.js";
import type { SecretPath } from "../format/names.js";
import type { MergeInput, SideIndex } from "../merge/merge-input.js";
import type { Merged } from "../merge/merge.js";

/**
 * Encrypts what a merge asks for, each file for exactly the readers of the result, and keeps the values that were not chosen for the owners.
 * @param input in its order
 * @param identities the owner's, then former ones: the other side may not know of a rotation yet
 * @throws VaultError `DAMAGED`, `NOT_AUTHORIZED`, `MIXED_RECIPIENTS`
 */
export async function encryptMerged(
  context: Context,
  input: MergeInput,
  { encryptions, kept, owners }: Merged,
  identities: readonly Identity[],
): Promise<FileChanges> {
  const sets = new RecipientSets();
  const read = ({ side, file }: { side: SideIndex; file: string }) => input.sides[side].read(file)!;
  const recipientsOf = (texts: readonly string[]) => texts.map(parseRecipient);
  const kind = parseRecipient(owners[0]!).kind;
  const jobs = [
    ...encryptions.map(({ name, from, before, recipients, all, ...job }): ReencryptJob => {
      const file = read(from);
      requireUniform(recipientsOf(all));
      // A file with other stanzas than its side's manifest says keeps none of them.
      const canAdd = job.kind === "add-recipients" && hasRecipients(stanzaTypes(file), before, kind);
      return canAdd
        ? { kind: "add-recipients", name, file, recipients: sets.indexOf(recipientsOf(recipients)) }
        : { kind: "re-encrypt", name, file, recipients: sets.indexOf(recipientsOf(all)) };
    }),
    ...kept.map(({ name, from }): ReencryptJob => ({
      kind: "re-encrypt",
      name,
      file: read(from),
      recipients: sets.indexOf(recipientsOf(owners)),
    })),
  ];
  const report = (done: number) => context.progress?.({ step: "Encrypting secrets", done, total: jobs.length });
  const encrypted = await runBatch(jobs, sets.texts, identities, report);
  return new Map([...encryptions, ...kept].map(({ file }, index) => [file, encrypted[index]!]));
}

/** Whether the values of secrets that both sides encrypted are equal. @param input in its order @throws VaultError `DAMAGED`, `NOT_AUTHORIZED` */
export async function compareValues(
  input: MergeInput,
  { comparable }: Pick<Merged, "comparable">,
  identities: readonly Identity[],
): Promise<ReadonlyMap<SecretPath, boolean>> {
  const equal = new Map<SecretPath, boolean>();
  for (const [path, files] of comparable) {
    const [first, second] = await Promise.all(files.map((file, side) => decrypt(input.sides[side as SideIndex].read(file)!, identities)));
    equal.set(path, Buffer.compare(first!, second!) === 0);
  }
  return equal;
}
