/** What to do about secrets that somebody has seen and should no longer know. */
export function* rotationAdvice(who: string, secrets: readonly string[]): Generator<string> {
  if (secrets.length === 0) return;
  yield `What ${who} has seen stays seen. Rotate at the source, then agent-vault set:`;
  for (const secret of secrets) yield `  ${secret}`;
}
