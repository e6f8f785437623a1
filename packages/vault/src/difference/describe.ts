import { printable } from "../text/printable.js";
import type { Change } from "./change.js";
import type { Difference } from "./difference.js";

const MAX_WIDENING = 300;
const MAX_OTHER = 100;

/** A difference in lines for a person, what widens first; none where nothing differs. */
export function describeDifference({ changes, lines }: Difference): string[] {
  const those = (widens: boolean) => changes.filter((change) => change.widens === widens);
  return [
    ...section("Gives more access, or protects less:", those(true), MAX_WIDENING),
    ...section("Other changes:", those(false), MAX_OTHER),
    ...lines.flatMap((file) => [
      `${printable(file.file)}:`,
      ...file.lines.map((line) => `  ${line}`),
      ...(file.omitted > 0 ? [`  and ${file.omitted} more lines`] : []),
    ]),
  ];
}

/** How many changes there are of each kind: of those that are left out for want of room, so that many of one kind hide none of another. */
export function countKinds(changes: readonly Change[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of changes) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
}

function section(heading: string, changes: readonly Change[], limit: number): string[] {
  if (changes.length === 0) return [];
  const rest = changes.slice(limit);
  const more = rest.length > 0 ? [`  and ${rest.length} more (${countKinds(rest)}), which --json shows`] : [];
  return [heading, ...changes.slice(0, limit).map(({ text }) => `  ${printable(text)}`), ...more];
}
