/** A name in its parts, such as `stripe/api-key` at its slashes, or a command in its words. */
export type Parts = readonly string[];

/**
 * Whether a pattern fits a name, part by part: `*` stands for any characters of one part, and `**` alone for any number of parts, also
 * none. All else stands for itself. It takes no more steps than the pattern's length times the name's, whatever they are.
 */
export function fitsParts(pattern: Parts, parts: Parts): boolean {
  return fits(pattern, parts, "**", fitsPart);
}

/** Whether a pattern fits one part. */
export function fitsPart(pattern: string, part: string): boolean {
  return fits(pattern, part, "*", (own, other) => own === other);
}

/** Goes back to the last run alone: if what follows it fits somewhere, it fits where it does so first. */
function fits(
  pattern: ArrayLike<string>,
  items: ArrayLike<string>,
  run: string,
  fitsItem: (one: string, item: string) => boolean,
): boolean {
  let next = 0;
  let item = 0;
  let afterRun: { pattern: number; item: number } | undefined;
  while (item < items.length) {
    if (next < pattern.length && pattern[next] === run) afterRun = { pattern: ++next, item };
    else if (next < pattern.length && fitsItem(pattern[next]!, items[item]!)) {
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
