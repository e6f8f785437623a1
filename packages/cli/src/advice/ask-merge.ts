import type { MergeAnswers, MergeReview } from "@agent-vault/vault";
import { describeReview } from "./describe-merge.js";
import { terminal } from "../terminal/terminal.js";

/** Shows a merge to the person at the terminal and asks what only they can decide. @returns `undefined` where they do not want it */
export async function askMerge(review: MergeReview, show: (line: string) => void): Promise<MergeAnswers> {
  for (const line of describeReview(review)) show(line);
  if (review.isFirst) {
    show("This is the vault's first merge. agent-vault 0.2.0 cannot read it: every reader needs an update.");
    if (!(await terminal.confirm("Merge?"))) return undefined;
  } else if (review.mustBeSeen && !(await terminal.confirm("Sign this?"))) return undefined;
  const answers = new Map<string, MergeReview["ours"]["digest"]>();
  for (const { id, kind, subject, choices } of review.questions) {
    if (kind === "base") {
      if (!(await terminal.confirm(`Go on without it, and ${choices[0]!.text}?`))) return undefined;
      answers.set(id, review.ours.digest);
      continue;
    }
    const answer = await terminal.askLine(`${kind} ${subject}: [o]urs or [t]heirs? Enter alone changes nothing.`);
    if (/^o(?:urs)?$/i.test(answer)) answers.set(id, review.ours.digest);
    else if (/^t(?:heirs)?$/i.test(answer)) answers.set(id, review.theirs.digest);
    else return undefined;
  }
  return answers;
}
