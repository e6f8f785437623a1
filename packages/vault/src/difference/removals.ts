import { MANIFEST_FILE } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { entriesOf, isTakenBack, type Removal } from "../format/removals.js";
import { named } from "./change.js";
import type { Pair } from "./pair.js";

/**
 * What the manifest remembers of removals. One that is forgotten, where nothing was granted again, would let a merge bring back what was
 * taken away.
 */
export function compareRemovals(pair: Pair): void {
  const before = pair.before && pair.tryRead("before", MANIFEST_FILE, () => pair.before!.manifest);
  const after = pair.tryRead("after", MANIFEST_FILE, () => pair.after.manifest);
  if (!before || !after) return;
  const kept = new Set(after.removals.map(idOf));
  const forgotten = before.removals.filter((removal) => !kept.has(idOf(removal)));
  const entries = forgotten.length > 0 ? entriesOf(after) : new Map<string, unknown>();
  for (const removal of forgotten.filter((removal) => !isTakenBack(removal, after, entries))) {
    const text = `the manifest no longer remembers that ${describeRemoval(removal)} was removed, so a merge may bring it back`;
    pair.add({ kind: "grant", subject: removal.subject, widens: true, text }, MANIFEST_FILE);
  }
}

/** What a removal is of, such as `agent bot from group stripe`. */
export function describeRemoval({ subject, object }: Pick<Removal, "subject" | "object">): string {
  const words = (text: string) => {
    const [, kind, name] = /^(\w+):(.*)$/s.exec(text) ?? [];
    return kind === undefined ? named(text) : `${kind} ${named(name!)}`;
  };
  return object === undefined || object === subject ? words(subject) : `${words(subject)} from ${words(object)}`;
}

function idOf({ id, subject, object }: Manifest["removals"][number]): string {
  return JSON.stringify([id, subject, object]);
}
