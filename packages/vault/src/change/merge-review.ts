import type { Change } from "../difference/change.js";
import { VaultError } from "../errors.js";
import type { Digest } from "../lock/digest.js";
import type { Question, MergeNote } from "../merge/questions.js";
import { plural } from "../text/counts.js";

/** One of the two sides of a merge, as a person is told of it. */
export interface ReviewedSide {
  /** `here`, or the branch that it comes from. */
  readonly name: string;
  readonly digest: Digest;
  readonly sequence: number;
  /** Who signed it, by the name that its lock gives them. */
  readonly signer: string;
  readonly signedAt: Date;
  /** What it changed since both sides parted; where the state that both go back to is not here, what it has unlike the other side. */
  readonly changes: readonly Change[];
}

/** What a person is shown before two states are merged. Nothing in it is a value. */
export interface MergeReview {
  readonly ours: ReviewedSide;
  readonly theirs: ReviewedSide;
  readonly questions: readonly Question[];
  readonly notes: readonly MergeNote[];
  /** Whether no state of the vault was a merge so far: agent-vault 0.2.0 cannot read one. */
  readonly isFirst: boolean;
  /** Files that are encrypted again. */
  readonly encrypted: number;
  /** Whether a person has to see it in any case, such as where it takes back what an owner has changed. */
  readonly mustBeSeen: boolean;
}

/** A person's answers: for each question the side whose answer counts; `undefined` where they do not want to merge. */
export type MergeAnswers = ReadonlyMap<string, Digest> | undefined;

/** What came of a merge. */
export interface MergeReport {
  /** The branch whose changes were merged with those here, such as `origin/main`. */
  readonly branch: string;
  /** The states that were merged. */
  readonly parents: readonly [Digest, Digest];
  readonly notes: readonly MergeNote[];
  readonly encrypted: number;
  /** Whether it is the vault's first one, so that agent-vault 0.2.0 can no longer read the vault. */
  readonly isFirst: boolean;
  readonly answered: readonly { readonly id: string; readonly side: "ours" | "theirs" }[];
}

/** Two states that only a person can bring together, with what they are asked. */
export class MergeConflictError extends VaultError {
  readonly review: MergeReview;

  constructor(review: MergeReview) {
    const count = plural(review.questions.length, "conflict");
    const isWithoutBase = review.questions.some(({ kind }) => kind === "base");
    super("CONFLICT", `The vault was changed here and on ${review.theirs.name}, with ${count} that an owner has to decide.`, {
      remedy: isWithoutBase
        ? "The state that both sides go back to is neither here nor on a branch of the remote. Fetch a ref that has it (of a pull request, as git fetch origin pull/NUMBER/head), or run agent-vault sync on a terminal, which shows what would be kept. Nothing was changed."
        : "Run agent-vault sync on a terminal, or choose one side for all of them: agent-vault sync --ours, or --theirs. Nothing was changed.",
    });
    this.review = review;
  }
}
