import process from "node:process";
import stringWidth from "string-width";
import { printable } from "@agent-vault/vault/read-only";

const GAP = "  ";
/** No column is cut below this many columns of the terminal. */
const MIN_WIDTH = 12;
const ELLIPSIS = "…";

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * Rows in aligned columns under their headings. On a terminal, the widest columns are cut to fit.
 * @param empty the one line where there are no rows
 */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): string[] {
  if (rows.length === 0) return [empty];
  const cells = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) => cells.reduce((width, row) => Math.max(width, stringWidth(row[column]!)), 0));
  fit(widths, process.stdout.columns ?? Number.POSITIVE_INFINITY);
  return cells.map((row) =>
    row
      .map((cell, column) => pad(cut(cell, widths[column]!), widths[column]!))
      .join(GAP)
      .trimEnd(),
  );
}

function fit(widths: number[], room: number): void {
  let width = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));
  for (; width > room; width--) {
    const widest = Math.max(...widths);
    if (widest <= MIN_WIDTH) return;
    widths[widths.indexOf(widest)]!--;
  }
}

/** Cuts between characters as a person sees them, some of which are two columns wide. */
function cut(cell: string, width: number): string {
  if (stringWidth(cell) <= width) return cell;
  let kept = "";
  for (const { segment } of characters.segment(cell)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return kept + ELLIPSIS;
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(width - stringWidth(cell));
}
