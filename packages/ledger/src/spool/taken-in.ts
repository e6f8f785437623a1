import { plural, type VaultError } from "@agent-vault/vault/read-only";

/** What became of segments. */
export interface TakenIn {
  /** Rows that are new in the ledger. */
  readonly rows: number;
  /** Segments that these identities do not open; they stay. */
  readonly locked: number;
  /** Segments of another home folder that lie among this one's; they stay. */
  readonly foreign: readonly string[];
  /** Segments that were changed, each with the error that says where. */
  readonly damaged: readonly VaultError[];
}

/** What was taken in, and what was not, in sentences for a person. */
export function describeTakenIn({ locked, foreign, damaged }: TakenIn): string[] {
  return [
    ...damaged.map(({ message, remedy }) => `${message} ${remedy}`),
    ...(foreign.length > 0
      ? [
          `${plural(foreign.length, "segment")} in the spool of this machine come from another one. Take them in with agent-vault audit collect.`,
        ]
      : []),
    ...(locked > 0 ? [`${plural(locked, "segment")} of the spool wait for a key that opens them, such as an owner's.`] : []),
  ];
}
