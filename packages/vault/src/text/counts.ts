/** A number with its noun: `1 secret`, `2 secrets`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The first `limit` names of a list and how many more there are: `a, b, c and 4 more`. */
export function andMore(names: readonly string[], limit: number): string {
  return names.slice(0, limit).join(", ") + (names.length > limit ? ` and ${names.length - limit} more` : "");
}
