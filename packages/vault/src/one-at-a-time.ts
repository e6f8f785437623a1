const last = new Map<unknown, Promise<unknown>>();

/** Runs work after all earlier work of this process that was asked for with the same key: the same text, or the same object. */
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
