/** There is no unit at a place. */
export const NO_UNIT = -1;
/** The text ends before it can be told. */
export const UNDECIDED = -2;

/** The text in which matches are looked for. */
export class Text {
  #bytes: Uint8Array = new Uint8Array();
  #final = false;

  /** @param final whether nothing follows `bytes`. */
  show(bytes: Uint8Array, final: boolean): void {
    this.#bytes = bytes;
    this.#final = final;
  }

  /** The byte at `at`; where the text has ended, `NO_UNIT` or, if more may come, `UNDECIDED`. */
  byte(at: number): number {
    return at < this.#bytes.length ? (this.#bytes[at] as number) : this.#final ? NO_UNIT : UNDECIDED;
  }

  /** How many bytes from `at` on are those of `pattern` from `depth` on. */
  same(at: number, pattern: Uint8Array, depth: number): number {
    const bytes = this.#bytes;
    const most = Math.min(pattern.length - depth, bytes.length - at);
    let count = 0;
    while (count < most && bytes[at + count] === pattern[depth + count]) count++;
    return count;
  }

  /** Whether one of `bytes` occurs from `start` to `end` (not included). */
  hasAny(start: number, end: number, bytes: Uint8Array): boolean {
    for (let at = start; at < end; at++) if (bytes[this.#bytes[at] as number] === 1) return true;
    return false;
  }
}

/** The value of a hexadecimal digit, or 99. */
export function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 99;
}
