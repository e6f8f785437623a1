import { differenceBetween } from "../difference/difference.js";
import type { VaultState } from "../files/vault-state.js";
import { andMore } from "../text/counts.js";
import { printable } from "../text/printable.js";

const MAX_SHOWN = 3;

/** What a state allows that another one did not, or no longer protects: each in words, printable; none where that is nothing. */
export function wideningBetween(before: VaultState, after: VaultState): readonly string[] {
  const { changes } = differenceBetween(before, after);
  return changes.filter(({ widens }) => widens).map(({ text }) => printable(text));
}

/** One line of them for a person. @param what took or takes place, such as `This push` */
export function describeWidening(what: string, widening: readonly string[]): string {
  return `${what} gives more access, or protects less: ${andMore(widening, MAX_SHOWN)}.`;
}
