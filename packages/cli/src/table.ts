import process from "node:process";

const GAP = "  ";
/** Characters below which no column is cut. */
const NARROW = 12;

/** Rows in aligned columns under their headings, or one sentence where there are none. On a terminal the widest columns are cut to fit. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): string[] {
  if (rows.length === 0) return [empty];
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  fit(widths, process.stdout.columns ?? Number.POSITIVE_INFINITY);
  return [headings, ...rows].map((row) =>
    row
      .map((cell, column) => cut(cell, widths[column]!).padEnd(widths[column]!))
      .join(GAP)
      .trimEnd(),
  );
}

function fit(widths: number[], room: number): void {
  let width = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));
  for (; width > room; width--) {
    const widest = Math.max(...widths);
    if (widest <= NARROW) return;
    widths[widths.indexOf(widest)]!--;
  }
}

function cut(cell: string, width: number): string {
  return cell.length <= width ? cell : `${cell.slice(0, width - 1)}…`;
}
