import { stanzaTypes } from "../age/header.js";
import { hasRecipients } from "../age/recipient.js";
import { classify } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import { andMore } from "../text/counts.js";
import type { Pair } from "./pair.js";

const MAX_NAMES = 10;

/** Values that are kept for the owners, each a file with as many recipients as there are owners. Any other file there is left to be shown. */
export function compareVersions(pair: Pair, differing: readonly string[]): void {
  const named: string[] = [];
  const secrets = new Set<string>();
  for (const file of differing) {
    const found = classify(file);
    if (found.kind !== "added" || found.path === undefined || !(pair.howChanged(file) === "removed" || isForOwners(pair, file))) continue;
    named.push(file);
    secrets.add(formatSecretPath(found.path));
  }
  if (named.length === 0) return;
  const text = `kept versions changed, for the owners alone: ${andMore([...secrets], MAX_NAMES)}`;
  pair.add({ kind: "secret", subject: "versions", widens: false, text }, ...named);
}

function isForOwners(pair: Pair, file: string): boolean {
  return (
    pair.tryRead("after", file, () => {
      const { owners } = pair.after;
      return hasRecipients(stanzaTypes(pair.read("after", file)!), owners.length, owners[0]!.recipient.kind);
    }) ?? false
  );
}
