import { Writable } from "node:stream";

/** What an output keeps of its beginning, of all that it keeps. */
const HEAD_SHARE = 1 / 4;

/** Takes an output of any length and keeps its beginning and its end. */
export class CappedOutput extends Writable {
  readonly #most: number;
  readonly #head: Buffer[] = [];
  #headRoom: number;
  #tail: Buffer[] = [];
  #tailLength = 0;
  /** How many bytes came. */
  length = 0;

  /** @param most bytes that are kept */
  constructor(most: number) {
    super();
    this.#headRoom = Math.floor(most * HEAD_SHARE);
    this.#most = most - this.#headRoom;
  }

  /** What was kept, with a line where something is left out. What is no UTF-8 shows as U+FFFD. @returns `left`: how many bytes that is */
  text(): { text: string; left: number } {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    const end = tail.subarray(Math.max(0, tail.length - this.#most));
    const left = this.length - head.length - end.length;
    if (left === 0) return { text: Buffer.concat([head, end]).toString(), left };
    return { text: `${head.toString()}\n[... ${left} bytes are left out here ...]\n${end.toString()}`, left };
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.length += chunk.length;
    const first = chunk.subarray(0, this.#headRoom);
    if (first.length > 0) this.#head.push(Buffer.from(first));
    this.#headRoom -= first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length > 0) this.#tail.push(Buffer.from(rest.subarray(Math.max(0, rest.length - this.#most))));
    this.#tailLength += rest.length;
    // Put together now and then, so that neither many small pieces nor much that is not kept adds up.
    if (this.#tailLength > 2 * this.#most || this.#tail.length > 1024) {
      const all = Buffer.concat(this.#tail);
      const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#most)));
      this.#tail = [kept];
      this.#tailLength = kept.length;
    }
    done();
  }
}
