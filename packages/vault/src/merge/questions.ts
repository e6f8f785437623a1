import type { Digest } from "../lock/digest.js";
import type { MergeInput, SideIndex, Sided } from "./merge-input.js";

/** What a question is about. */
export type QuestionKind =
  /** Both sides set one secret to different values, or made different secrets of one path. */
  | "value"
  /** Both sides moved one secret, or one did and the other deleted it. */
  | "move"
  /** A name that differs in upper and lower case only. */
  | "twin"
  | "agent-key"
  | "owner-key"
  | "rule"
  | "setting"
  | "field"
  | "file"
  /** The state that both sides go back to is not here, so nothing tells what each of them added. */
  | "base"
  /** A state that was signed by an owner whom the other side has removed. */
  | "removed-owner";

/** Something that only a person decides: which side's answer counts. */
export interface Question {
  /** The same for everyone who merges the same two states. */
  readonly id: string;
  readonly kind: QuestionKind;
  /** What it is about: a secret as it is shown, an agent, a rule. */
  readonly subject: string;
  /** What each side's answer is, in words without a full stop; never a value. */
  readonly choices: readonly { readonly state: Digest; readonly text: string }[];
}

/** What a merge says of what it did. */
export interface MergeNote {
  /**
   * `owed`: an agent that can no longer read it has the value in git's history, or an owner whose key was removed. `kept`: a value was not
   * chosen and is in `versions/`. `stays`: it was deleted on one side and set on the other. `dropped`: something was left out. `removed`:
   * what one side granted, the other took away.
   */
  readonly kind: "owed" | "kept" | "stays" | "dropped" | "removed";
  readonly subject: string;
  /** In words, without a full stop. */
  readonly text: string;
  /** Secrets that are to be rotated at the source, as they are shown. */
  readonly secrets?: readonly string[];
}

/** Collects the questions and notes of a merge, and knows the answers. */
export class Dialog {
  readonly questions: Question[] = [];
  readonly notes: MergeNote[] = [];
  readonly #input: MergeInput;

  constructor(input: MergeInput) {
    this.#input = input;
  }

  /**
   * Asks which side's answer counts.
   * @param texts each side's answer in words
   * @returns the answer, or `preferred` where there is none yet
   */
  ask(kind: QuestionKind, subject: string, texts: Sided<string>, preferred: SideIndex = 0): SideIndex {
    const id = `${kind} ${subject}`;
    const { sides, answers } = this.#input;
    const answer = answers?.get(id);
    const index = sides.findIndex(({ digest }) => digest === answer);
    if (index === 0 || index === 1) return index;
    if (!this.questions.some((question) => question.id === id))
      this.questions.push({
        id,
        kind,
        subject,
        choices: sides.map(({ digest }, side) => ({ state: digest, text: texts[side as SideIndex] })),
      });
    return preferred;
  }

  note(note: MergeNote): void {
    this.notes.push(note);
  }
}
