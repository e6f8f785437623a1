import { plural, printable, type MergeReport, type MergeReview, type ReviewedSide } from "@agent-vault/vault";

const MAX_CHANGES = 20;

/** What an owner is told of the first merge. */
export const FIRST_MERGE =
  "This is the vault's first merge. agent-vault 0.2.0 cannot read it, so update agent-vault and its SDKs wherever the vault is read.";

/** What was merged, in lines for a person. */
export function* describeMerge({ branch, notes, encrypted }: MergeReport): Generator<string> {
  const again = encrypted > 0 ? ` ${plural(encrypted, "file")} ${encrypted === 1 ? "was" : "were"} encrypted again.` : "";
  yield `Merged your changes of the vault with those of ${branch}.${again}`;
  for (const { text } of notes) yield `  ${text}`;
}

/** What git had merged and was signed now, in lines for a person. @param merged absent where one side had all of it already */
export function* describeFinished(merged: MergeReport | undefined): Generator<string> {
  if (!merged) return yield "Took over the vault's signed state in place of what git had merged.";
  const again =
    merged.encrypted > 0 ? ` ${plural(merged.encrypted, "file")} ${merged.encrypted === 1 ? "was" : "were"} encrypted again.` : "";
  yield `Signed the merge of the vault with ${merged.branch} that git had made.${again}`;
  for (const { text } of merged.notes) yield `  ${text}`;
}

/** What would be merged, and what has to be decided: who changed what, and when; never a value. */
export function describeReview({ ours, theirs, questions, notes, encrypted }: MergeReview): string[] {
  const isWithoutBase = questions.some(({ kind }) => kind === "base");
  return [
    ...describeSide(isWithoutBase ? `Here, unlike ${theirs.name}` : "Changed here", ours),
    ...describeSide(isWithoutBase ? `On ${theirs.name}, unlike here` : `Changed on ${theirs.name}`, theirs),
    ...(notes.length > 0 ? ["The merge:", ...notes.map(({ text }) => `  ${text}`)] : []),
    ...(encrypted > 0 ? [`  ${plural(encrypted, "file")} will be encrypted again`] : []),
    ...questions.flatMap(({ kind, subject, choices }) => {
      const nameOf = (state: string) => (state === ours.digest ? "ours" : "theirs");
      const inOrder = choices.toSorted((a) => (a.state === ours.digest ? -1 : 1));
      if (kind === "base") return [`Conflict (${kind}): ${subject}`, `  either way: ${choices[0]!.text}`];
      return [`Conflict (${kind}): ${subject}`, ...inOrder.map(({ state, text }) => `  ${nameOf(state)}: ${text}`)];
    }),
  ].map(printable);
}

function describeSide(title: string, { sequence, signer, signedAt, changes }: ReviewedSide): string[] {
  const shown = changes.slice(0, MAX_CHANGES).map(({ text, widens }) => `  ${widens ? "! " : ""}${text}`);
  const more = changes.length > MAX_CHANGES ? [`  and ${plural(changes.length - MAX_CHANGES, "more change")}`] : [];
  return [`${title} (state ${sequence}, signed by ${signer}, ${signedAt.toISOString().slice(0, 16)}Z):`, ...shown, ...more];
}
