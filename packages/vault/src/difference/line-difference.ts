import { decodeUtf8 } from "../text/utf8.js";
import { printable } from "../text/printable.js";

/** How a file differs, as `diff -u` prints it without its heading. */
export interface FileDifference {
  readonly file: string;
  /** Each can be shown on a terminal; a private key in plain text is left out. */
  readonly lines: readonly string[];
  /** How many more lines there are. */
  readonly omitted: number;
}

const MAX_LINES = 200;
const MAX_LINE_LENGTH = 400;
const CONTEXT = 3;
/** The most lines that are removed and added in a file before all of it counts as replaced: the effort grows with the square. */
const MAX_EDITS = 1500;

/** @param before `undefined` where there was no such file @param after the same */
export function lineDifference(file: string, before: Uint8Array | undefined, after: Uint8Array | undefined): FileDifference {
  const [old, now] = [linesOf(before), linesOf(after)];
  if (!old || !now) return { file, lines: ["(not text)"], omitted: 0 };
  const [shownOld, shownNow] = [withoutKeys(old), withoutKeys(now)];
  const lines = [...hunks(editsBetween(old, now), shownOld, shownNow)].map(shortened);
  return { file, lines: lines.slice(0, MAX_LINES), omitted: Math.max(0, lines.length - MAX_LINES) };
}

/** A step from the old lines to the new ones; an index that a step does not use is where it would be. */
interface Edit {
  readonly kind: " " | "-" | "+";
  readonly old: number;
  readonly now: number;
}

function linesOf(bytes: Uint8Array | undefined): string[] | undefined {
  if (!bytes || bytes.length === 0) return [];
  const text = decodeUtf8(bytes);
  if (text === undefined || text.includes("\0")) return undefined;
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  else lines[lines.length - 1] += "\n\\ No newline at end of file";
  return lines;
}

/** The shortest way, after Myers (An O(ND) Difference Algorithm, 1986). */
function editsBetween(old: readonly string[], now: readonly string[]): Edit[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const middle = editsOfMiddle(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const same = (length: number, o: number, n: number) =>
    Array.from({ length }, (_, index): Edit => ({ kind: " ", old: o + index, now: n + index }));
  return [
    ...same(start, 0, 0),
    ...middle.map((edit) => ({ ...edit, old: edit.old + start, now: edit.now + start })),
    ...same(end, old.length - end, now.length - end),
  ];
}

function editsOfMiddle(old: readonly string[], now: readonly string[]): Edit[] {
  const traces: Int32Array[] = [];
  const limit = Math.min(old.length + now.length, MAX_EDITS);
  let furthest = new Int32Array(2 * limit + 3);
  const centre = limit + 1;
  for (let edits = 0; edits <= limit; edits++) {
    traces.push(furthest.slice(centre - edits - 1, centre + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const isDown = diagonal === -edits || (diagonal !== edits && furthest[centre + diagonal - 1]! < furthest[centre + diagonal + 1]!);
      let x = isDown ? furthest[centre + diagonal + 1]! : furthest[centre + diagonal - 1]! + 1;
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++;
      furthest[centre + diagonal] = x;
      if (x >= old.length && x - diagonal >= now.length) return traceBack(traces, old.length, now.length);
    }
  }
  return [
    ...old.map((_, index): Edit => ({ kind: "-", old: index, now: 0 })),
    ...now.map((_, index): Edit => ({ kind: "+", old: old.length, now: index })),
  ];
}

function traceBack(traces: readonly Int32Array[], oldLength: number, nowLength: number): Edit[] {
  const reversed: Edit[] = [];
  let [x, y] = [oldLength, nowLength];
  for (let edits = traces.length - 1; edits >= 0; edits--) {
    const furthest = traces[edits]!;
    const at = (diagonal: number) => furthest[diagonal + edits + 1]!;
    const diagonal = x - y;
    const isDown = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const startX = edits === 0 ? 0 : at(before);
    const startY = edits === 0 ? 0 : startX - before;
    while (x > startX && y > startY) reversed.push({ kind: " ", old: --x, now: --y });
    if (edits > 0) reversed.push(isDown ? { kind: "+", old: x, now: --y } : { kind: "-", old: --x, now: y });
  }
  return reversed.toReversed();
}

function* hunks(edits: readonly Edit[], old: readonly string[], now: readonly string[]): Generator<string> {
  const isNear = new Uint8Array(edits.length);
  edits.forEach(({ kind }, index) => {
    if (kind !== " ") isNear.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  });
  for (let from = isNear.indexOf(1); from >= 0;) {
    const to = isNear.indexOf(0, from) < 0 ? edits.length : isNear.indexOf(0, from);
    const hunk = edits.slice(from, to);
    const count = (left: Edit["kind"]) => hunk.filter(({ kind }) => kind !== left).length;
    const range = (start: number, length: number) => `${length === 0 ? start : start + 1}${length === 1 ? "" : `,${length}`}`;
    yield `@@ -${range(hunk[0]!.old, count("+"))} +${range(hunk[0]!.now, count("-"))} @@`;
    for (const edit of hunk) yield* `${edit.kind}${edit.kind === "+" ? now[edit.now] : old[edit.old]}`.split("\n");
    from = isNear.indexOf(1, to);
  }
}

/** The lines without private keys, which nobody needs to see once more. */
function withoutKeys(lines: readonly string[]): string[] {
  let isInKey = false;
  return lines.map((line) => {
    if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(line)) isInKey = true;
    const shown = isInKey ? "(a private key)" : line.replaceAll(/AGE-SECRET-KEY-[0-9A-Z-]+/gi, "(a private key)");
    if (/-----END [A-Z ]*PRIVATE KEY/.test(line)) isInKey = false;
    return shown;
  });
}

function shortened(line: string): string {
  const text = line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line;
  return printable(text);
}
