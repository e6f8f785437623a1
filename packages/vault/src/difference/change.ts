/** What a change is about. */
export type ChangeKind =
  | "access"
  | "recipient"
  | "membership"
  | "group"
  | "grant"
  | "attribute"
  | "rule"
  | "setting"
  | "escrow"
  | "secret"
  | "stray"
  | "file"
  | "unreadable";

/** One change between two states of a vault. */
export interface Change {
  readonly kind: ChangeKind;
  /** What was changed: an agent, a group, a secret as it is shown, a rule, a setting or a file. */
  readonly subject: string;
  /** Whether somebody can do more than before, or something that protected no longer does. In doubt, and for what is not understood, it is true. */
  readonly widens: boolean;
  /** The change in words, without a full stop; names in it are as the vault has them, and not made printable. */
  readonly text: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const MAX_SHOWN = 200;

/** A value of a YAML file as a change shows it: as JSON, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** A name in a change's words: in quotes where it is no valid one, so that nothing in it passes for words of ours. */
export function named(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : shown(name);
}

/** The names of both in order, each once. */
export function sortedUnion(...lists: readonly Iterable<string>[]): string[] {
  return [...new Set(lists.flatMap((list) => [...list]))].toSorted();
}
