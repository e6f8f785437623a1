import { VaultError } from "../errors.js";
import { digestOf } from "../lock/digest.js";
import type { VaultState } from "../files/vault-state.js";
import { classify } from "../format/layout.js";
import { andMore, plural } from "../text/counts.js";
import { sortedUnion } from "./change.js";
import type { Pair } from "./pair.js";

const MAX_NAMES = 20;

/** Files that do not belong in a vault: no signature covers them, and what is in them may be anything, so only their names are shown. */
export function compareStrays(pair: Pair): void {
  const [before, after] = [pair.before ? straysIn(pair.before) : new Map<string, string>(), straysIn(pair.after)];
  const changed = sortedUnion(before.keys(), after.keys()).filter((file) => before.get(file) !== after.get(file));
  const say = (files: readonly string[], how: string, widens: boolean) => {
    if (files.length === 0) return;
    const text = `${plural(files.length, "file")} that no signature covers ${files.length === 1 ? "was" : "were"} ${how}: ${andMore(files, MAX_NAMES)}`;
    pair.add({ kind: "stray", subject: files.join(", "), widens, text });
  };
  say(
    changed.filter((file) => !before.has(file)),
    "added",
    true,
  );
  say(
    changed.filter((file) => before.has(file) && after.has(file)),
    "changed",
    true,
  );
  say(
    changed.filter((file) => !after.has(file)),
    "removed",
    false,
  );
}

function straysIn({ source }: VaultState): Map<string, string> {
  const strays = source.walk().filter(({ file, kind }) => kind !== "file" || classify(file).kind === "stray");
  return new Map(strays.map(({ file, kind }) => [file, kind === "file" ? contentOf(source, file) : kind]));
}

/** Tells one content from another; all that cannot be read count as the same. */
function contentOf(source: VaultState["source"], file: string): string {
  try {
    return digestOf(source.read(file) ?? "");
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}
