import { VaultError } from "../errors.js";
import { classify, GITATTRIBUTES_FILE, GITIGNORE_FILE, LOCK_FILE, STATES_FILE } from "../format/layout.js";
import { readYamlFile, writeYaml } from "../format/yaml-document.js";
import { formatJoinedStates, joinLocks, type FileSides } from "../lock/joined-lock.js";
import { applyFields } from "./documents.js";
import { canonical, isMapping, mergeFields } from "./three-way.js";

/**
 * What stands in a file of the vault until a merge that git makes is signed. It decides nothing: the states themselves are merged then. But
 * it has no conflict markers, and the work tree can be looked at until then. Of two ciphertexts it is ours; theirs is in the commit that it
 * comes from.
 * @param file relative to the vault's folder
 * @param isPick whether git does not join two branches, but repeats one change on top of ours
 * @returns `undefined` where it cannot be joined
 */
export function joinFile(file: string, sides: FileSides, isPick: boolean): Uint8Array | undefined {
  if (file === LOCK_FILE) {
    const joined = joinLocks(sides, isPick);
    return joined && formatJoinedStates(joined);
  }
  if (file === STATES_FILE) return bytesOf(linesOf(sides.ours).concat(linesOf(sides.theirs)), true);
  if (file === GITIGNORE_FILE || file === GITATTRIBUTES_FILE) return bytesOf([...linesOf(sides.ours), ...linesOf(sides.theirs)], false);
  const { kind } = classify(file);
  if (kind === "stray") return undefined;
  return kind === "yaml" || kind === "metadata" || file.endsWith(".yaml") ? joinYaml(file, sides) : sides.ours;
}

function joinYaml(file: string, { base, ours, theirs }: FileSides): Uint8Array {
  try {
    const { document } = readYamlFile(ours, file);
    const [before, other] = [base && readYamlFile(base, file).document.toJS(), readYamlFile(theirs, file).document.toJS()];
    const wanted = mergeFields([before], [document.toJS(), other], (place, [first, second]) =>
      Array.isArray(first) && Array.isArray(second) ? joinLists(valueAt(before, place), first, second) : first,
    );
    applyFields(document, wanted);
    return writeYaml(document);
  } catch (error) {
    // One side cannot be read, and the merge of the states says so.
    if (!(error instanceof VaultError)) throw error;
    return ours;
  }
}

/** What both have and what one added. Entries are the same by their name, or by all that they say. */
function joinLists(base: unknown, ours: readonly unknown[], theirs: readonly unknown[]): unknown[] {
  const inBase = new Map((Array.isArray(base) ? (base as unknown[]) : []).map((entry) => [keyOf(entry), entry]));
  const [mine, other] = [byKey(ours), byKey(theirs)];
  const joined: unknown[] = [];
  for (const [key, entry] of mine) {
    if (!other.has(key)) {
      if (!inBase.has(key)) joined.push(entry);
      continue;
    }
    const merged = mergeFields([inBase.get(key)], [entry, other.get(key)], (place, [first, second]) =>
      Array.isArray(first) && Array.isArray(second) ? joinLists(valueAt(inBase.get(key), place), first, second) : first,
    );
    joined.push(merged);
  }
  return [...joined, ...[...other].filter(([key]) => !mine.has(key) && !inBase.has(key)).map(([, entry]) => entry)];
}

function byKey(entries: readonly unknown[]): Map<string, unknown> {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

function keyOf(entry: unknown): string {
  return isMapping(entry) && typeof entry["name"] === "string" ? entry["name"] : canonical(entry);
}

function valueAt(data: unknown, place: readonly string[]): unknown {
  return place.reduce<unknown>((value, name) => (isMapping(value) ? value[name] : undefined), data);
}

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString("utf8").split("\n").filter(Boolean);
}

function bytesOf(lines: readonly string[], isSorted: boolean): Uint8Array {
  const distinct = [...new Set(lines)];
  return new TextEncoder().encode(`${(isSorted ? distinct.toSorted() : distinct).join("\n")}\n`);
}
