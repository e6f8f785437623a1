import type { PathSegments } from "./path-segments.js";

/**
 * Whether a pattern matches a name, segment by segment: `*` matches any characters of one segment, and `**` alone for any number of segments, also
 * none. All else matches itself. It takes no more steps than the pattern's length times the name's, whatever they are.
 */
export function matchesSegments(pattern: PathSegments, segments: PathSegments): boolean {
  return matches(pattern, segments, "**", matchesSegment);
}

/** Whether a pattern matches one segment. */
export function matchesSegment(pattern: string, segment: string): boolean {
  return matches(pattern, segment, "*", (own, other) => own === other);
}

/** Goes back to the last run alone: if what follows it matches somewhere, it matches where it does so first. */
function matches(
  pattern: ArrayLike<string>,
  items: ArrayLike<string>,
  run: string,
  matchesItem: (one: string, item: string) => boolean,
): boolean {
  let next = 0;
  let item = 0;
  let afterRun: { pattern: number; item: number } | undefined;
  while (item < items.length) {
    if (next < pattern.length && pattern[next] === run) afterRun = { pattern: ++next, item };
    else if (next < pattern.length && matchesItem(pattern[next]!, items[item]!)) {
      next++;
      item++;
    } else if (afterRun) {
      next = afterRun.pattern;
      item = ++afterRun.item;
    } else return false;
  }
  while (next < pattern.length && pattern[next] === run) next++;
  return next === pattern.length;
}
