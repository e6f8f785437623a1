import { Writable } from "node:stream";

/** The share of what is kept that is kept of the beginning. */
const HEAD_SHARE = 1 / 4;

/** Takes an output of any length and keeps its beginning and its end. */
export class CappedOutput extends Writable {
  readonly #maxTail: number;
  readonly #head: Buffer[] = [];
  #headRoom: number;
  #tail: Buffer[] = [];
  #tailLength = 0;
  /** How many bytes came. */
  length = 0;

  /** @param maxBytes that are kept */
  constructor(maxBytes: number) {
    super();
    this.#headRoom = Math.floor(maxBytes * HEAD_SHARE);
    this.#maxTail = maxBytes - this.#headRoom;
  }

  /** What was kept, with a line where bytes were omitted. What is not UTF-8 shows as U+FFFD. @returns `omitted`: how many bytes */
  text(): { text: string; omitted: number } {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    const end = tail.subarray(Math.max(0, tail.length - this.#maxTail));
    const omitted = this.length - head.length - end.length;
    if (omitted === 0) return { text: Buffer.concat([head, end]).toString(), omitted };
    return { text: `${head.toString()}\n[... ${omitted} bytes are left out here ...]\n${end.toString()}`, omitted };
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.length += chunk.length;
    const first = chunk.subarray(0, this.#headRoom);
    if (first.length > 0) this.#head.push(Buffer.from(first));
    this.#headRoom -= first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length > 0) this.#tail.push(Buffer.from(rest.subarray(Math.max(0, rest.length - this.#maxTail))));
    this.#tailLength += rest.length;
    // Put together now and then, so that neither many small pieces nor much that is not kept adds up.
    if (this.#tailLength > 2 * this.#maxTail || this.#tail.length > 1024) {
      const all = Buffer.concat(this.#tail);
      const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#maxTail)));
      this.#tail = [kept];
      this.#tailLength = kept.length;
    }
    done();
  }
}
