/** Byte patterns in order, of which a reader keeps the range of those that fit what it has read. Each has the number of its owner. */
export class PatternSet {
  readonly #patterns: readonly Uint8Array[];
  readonly #owners: readonly number[];
  readonly #firstWith = new Int32Array(257);

  /** Of equal patterns the first one's owner counts; empty ones are left out. */
  constructor(patterns: readonly { readonly bytes: Uint8Array; readonly owner: number }[]) {
    const sorted = patterns
      .filter(({ bytes }) => bytes.length > 0)
      .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes) || a.owner - b.owner)
      .filter(({ bytes }, index, all) => index === 0 || Buffer.compare(bytes, (all[index - 1] as { bytes: Uint8Array }).bytes) !== 0);
    this.#patterns = sorted.map(({ bytes }) => bytes);
    this.#owners = sorted.map(({ owner }) => owner);
    for (let byte = 0; byte <= 256; byte++) this.#firstWith[byte] = this.#search(0, sorted.length, 0, byte);
  }

  get size(): number {
    return this.#patterns.length;
  }

  pattern(index: number): Uint8Array {
    return this.#patterns[index] as Uint8Array;
  }

  /** The bytes that occur in some pattern. */
  bytes(): Set<number> {
    const seen = new Uint8Array(256);
    for (const pattern of this.#patterns) for (const byte of pattern) seen[byte] = 1;
    return new Set(Array.from(seen.keys()).filter((byte) => seen[byte] === 1));
  }

  owner(index: number): number {
    return this.#owners[index] as number;
  }

  /** The first pattern of the range from `low` to `high` (not included) whose byte at `depth` is `byte` or above. */
  firstWith(low: number, high: number, depth: number, byte: number): number {
    return depth === 0 ? (this.#firstWith[byte] as number) : this.#search(low, high, depth, byte);
  }

  #search(low: number, high: number, depth: number, byte: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#patterns[middle] as Uint8Array)[depth] ?? -1) < byte) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
