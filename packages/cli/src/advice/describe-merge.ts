import { plural, printable, type MergeReport, type MergeReview, type ReviewedSide } from "@agent-vault/vault";

const MAX_CHANGES = 20;

/** What was merged, in lines for a person. */
export function* describeMerge({ branch, notes, encrypted }: MergeReport): Generator<string> {
  const again = encrypted > 0 ? ` ${plural(encrypted, "file")} ${encrypted === 1 ? "was" : "were"} encrypted again.` : "";
  yield `Merged your changes of the vault with those of ${branch}.${again}`;
  for (const { text } of notes) yield `  ${text}`;
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
