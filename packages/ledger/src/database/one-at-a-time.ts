const last = new Map<string, Promise<unknown>>();

/**
 * Runs work on one file after all earlier work of this process on it. The engine would let two operations of one process into the
 * same file at once, and into each other's transactions.
 */
export async function oneAtATime<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(path);
  const turn = (async () => {
    await before?.catch(() => {});
    return work();
  })();
  last.set(path, turn);
  try {
    return await turn;
  } finally {
    if (last.get(path) === turn) last.delete(path);
  }
}
