/** What to do about secrets whose values are known to someone who has lost access. */
export function* rotationAdvice(who: string, secrets: readonly string[]): Generator<string> {
  if (secrets.length === 0) return;
  yield `${who} could read these secrets. Rotate them where they were issued, then store the new values with agent-vault set:`;
  for (const secret of secrets) yield `  ${secret}`;
}
