/** A blank, an operator that redirects, or a part of a word: in single quotes, in double quotes, after a backslash, or plain. */
const PART =
  /(?<blank>\s+)|(?<redirect>[<>]+[&|]?)|'(?<single>[^']*)'?|"(?<double>(?:[^"\\]|\\[^])*)\\?"?|\\(?<escaped>[^]?)|(?<plain>[^\s<>'"\\]+)/g;

/**
 * The words of a line as bash would pass them on, the last one being the one that is typed: empty after a blank. Bash itself gives a
 * completion its words with the quotes still on them, torn apart at `=` and `:`, and with redirections. Nothing is expanded, so
 * nothing is run.
 */
export function splitBashLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isTarget = false;
  for (const { groups } of line.matchAll(PART)) {
    const { blank, redirect, single, double, escaped, plain } = groups!;
    if (blank === undefined && redirect === undefined) {
      word = (word ?? "") + (single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped ?? plain!);
      continue;
    }
    // The file of a redirection is no word of the command, nor is the number of its descriptor.
    const isDescriptor = redirect !== undefined && /^(?:\d+|&)$/.test(word ?? "");
    if (word !== undefined && !isTarget && !isDescriptor) words.push(word);
    isTarget = redirect !== undefined || (isTarget && word === undefined);
    word = undefined;
  }
  return [...words, word ?? ""];
}
