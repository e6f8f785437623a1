import { Transform, type TransformCallback } from "node:stream";

const NEWLINE = 10;

/** Passes on lines, and drops those that are too long. */
export class LineLimit extends Transform {
  readonly #maxBytes: number;
  readonly #onDrop: () => void;
  #line: Buffer[] = [];
  #length = 0;

  /** @param onDrop is told of each line that is dropped */
  constructor(maxBytes: number, onDrop: () => void) {
    super();
    this.#maxBytes = maxBytes;
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
    if (this.#length <= this.#maxBytes) this.#line.push(part);
    else this.#line = [];
  }

  #endLine(): void {
    if (this.#length > this.#maxBytes) this.#onDrop();
    else this.push(Buffer.concat(this.#line));
    this.#line = [];
    this.#length = 0;
  }
}
