import { Transform, type TransformCallback } from "node:stream";

const NEWLINE = 10;

/** Passes on lines, and drops those that are longer than any message has reason to be. */
export class LineLimit extends Transform {
  readonly #most: number;
  readonly #onDrop: () => void;
  #line: Buffer[] = [];
  #length = 0;

  /** @param most bytes @param onDrop is told of each line that is dropped */
  constructor(most: number, onDrop: () => void) {
    super();
    this.#most = most;
    this.#onDrop = onDrop;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    for (let start = 0; start < chunk.length;) {
      const found = chunk.indexOf(NEWLINE, start);
      const end = found < 0 ? chunk.length : found + 1;
      this.#take(chunk.subarray(start, end));
      if (found >= 0) this.#endLine();
      start = end;
    }
    done();
  }

  #take(part: Buffer): void {
    this.#length += part.length;
    if (this.#length <= this.#most) this.#line.push(part);
    else this.#line = [];
  }

  #endLine(): void {
    if (this.#length > this.#most) this.#onDrop();
    else this.push(Buffer.concat(this.#line));
    this.#line = [];
    this.#length = 0;
  }
}
