/** The values of pairs, by their name, in the order of the pairs. */
export function groupByName<T>(pairs: Iterable<readonly [string, T]>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const [name, value] of pairs) {
    let group = groups.get(name);
    if (!group) groups.set(name, (group = []));
    group.push(value);
  }
  return groups;
}
