import process from "node:process";
import { printable } from "@agent-vault/vault/read-only";

const GAP = "  ";
/** Characters below which no column is cut. */
const NARROW = 12;

/** Rows in aligned columns under their headings, or one sentence where there are none. On a terminal the widest columns are cut to fit. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): string[] {
  if (rows.length === 0) return [empty];
  const cells = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) => cells.reduce((width, row) => Math.max(width, row[column]!.length), 0));
  fit(widths, process.stdout.columns ?? Number.POSITIVE_INFINITY);
  return cells.map((row) =>
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
