// Timing of whole processes, and the table that tells it.

/**
 * Runs each of some measurements in turn, again and again, so that what slows the machine for a while slows all of them.
 * @param measurements by name: functions that do the work and return its milliseconds
 * @returns each one's median, by name
 */
export function medians(measurements, rounds) {
  const times = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) times[name].push(measure());
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

function median(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/**
 * One line of the report: ours beside an alternative.
 * @param reach what is to be reached: `{ says, reached }`
 */
export function comparison(name, ours, alternative, theirs, reach) {
  return { name, ours, alternative, theirs, reach };
}

export function printTable(comparisons) {
  const rows = comparisons.map(({ name, ours, alternative, theirs, reach }) => [
    name,
    duration(ours),
    alternative,
    duration(theirs),
    ours <= theirs ? `${number(theirs / ours)} times faster` : `${number(ours / theirs)} times as long, ${duration(ours - theirs)} more`,
    reach === undefined ? "" : `${reach.says}: ${reach.reached ? "reached" : "MISSED"}`,
  ]);
  const head = ["CASE", "AGENT-VAULT", "BESIDE", "TAKES", "SO AGENT-VAULT IS", "REACH"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  for (const row of [head, ...rows])
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd()}\n`,
    );
}

function duration(ms) {
  if (ms < 1000) return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
  return `${(ms / 1000).toFixed(ms < 100_000 ? 1 : 0)} s`;
}

function number(ratio) {
  return ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0);
}
