const SHARED = Symbol.for("agent-vault.one-at-a-time");

/** The last work of each key. A program may have loaded another version of this package too, which shares this by the symbol. */
const last = ((globalThis as { [SHARED]?: Map<unknown, Promise<unknown>> })[SHARED] ??= new Map());

/** Runs work after all earlier work of this thread that was asked for with the same key: the same text, or the same object. */
export async function oneAtATime<T>(key: unknown, work: () => Promise<T>): Promise<T> {
  const before = last.get(key);
  const turn = (async () => {
    await before?.catch(() => {});
    return work();
  })();
  last.set(key, turn);
  try {
    return await turn;
  } finally {
    if (last.get(key) === turn) last.delete(key);
  }
}
