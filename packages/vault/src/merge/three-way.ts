import type { Sided, SideIndex } from "./merge-input.js";

/**
 * Which side a value is taken from: the one that changed it. A side left it as it was where it has what any base has.
 * @returns `undefined` where both changed it, in different ways
 */
export function changedSide<T>(bases: readonly T[], [first, second]: Sided<T>, isSame: (a: T, b: T) => boolean): SideIndex | undefined {
  if (isSame(first, second)) return 0;
  const isBase = (value: T) => bases.some((base) => isSame(base, value));
  const [isFirstOld, isSecondOld] = [isBase(first), isBase(second)];
  if (isFirstOld === isSecondOld) return undefined;
  return isFirstOld ? 1 : 0;
}

/**
 * Merges sets: what both have, and what one added. What any base has and one side lacks was removed there.
 * @param isComplete whether the bases are all there are: otherwise nothing says what was added, and what only one side has stays away
 */
export function mergeKeys(
  bases: readonly { has(key: string): boolean }[],
  [first, second]: Sided<{ has(key: string): boolean; keys(): Iterable<string> }>,
  isComplete: boolean,
): Set<string> {
  const isAdded = (key: string) => isComplete && !bases.some((base) => base.has(key));
  const merged = new Set<string>();
  for (const key of first.keys()) if (second.has(key) || isAdded(key)) merged.add(key);
  for (const key of second.keys()) if (!first.has(key) && isAdded(key)) merged.add(key);
  return merged;
}

/** Decides over a place of two documents that both changed in different ways. @returns the value that it is to have */
export type Decide = (place: readonly string[], values: Sided<unknown>) => unknown;

/** Merges what two documents say, mapping by mapping, down to lists and single values. */
export function mergeFields(bases: readonly unknown[], sides: Sided<unknown>, decide: Decide, place: readonly string[] = []): unknown {
  const side = changedSide(bases, sides, isSameData);
  if (side !== undefined) return sides[side];
  const [first, second] = sides;
  if (!isMapping(first) || !isMapping(second)) return decide(place, sides);
  const merged: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const inBases = bases.map((base) => (isMapping(base) ? base[name] : undefined));
    const value = mergeFields(inBases, [first[name], second[name]], decide, [...place, name]);
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** Whether two values of YAML files are the same, whatever the order of a mapping's fields. */
export function isSameData(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** One spelling of a value of a YAML file. */
export function canonical(value: unknown): string {
  const sorted = JSON.stringify(value, (_, part: unknown) =>
    isMapping(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
  return sorted ?? "";
}

/** Whether a value of a YAML file is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
