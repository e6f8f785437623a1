/** A number of entries of the audit log: `1 entry`, `2 entries`. */
export function formatEntries(count: number): string {
  return `${count} ${count === 1 ? "entry" : "entries"}`;
}
