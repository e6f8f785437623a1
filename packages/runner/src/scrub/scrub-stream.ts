import { Transform, type TransformCallback } from "node:stream";
import type { Scrubber } from "./scrubber.js";

/** Scrubs what is piped through it: `child.stdout.pipe(known.stream()).pipe(process.stdout)`. */
export class ScrubStream extends Transform {
  readonly #scrubber: Scrubber;

  /** Use `KnownSecrets.stream()`. */
  constructor(scrubber: Scrubber) {
    super();
    this.#scrubber = scrubber;
  }

  override _transform(chunk: Uint8Array, _encoding: string, done: TransformCallback): void {
    this.#pass(this.#scrubber.write(chunk), done);
  }

  override _flush(done: TransformCallback): void {
    this.#pass(this.#scrubber.flush(), done);
  }

  #pass(bytes: Uint8Array, done: TransformCallback): void {
    done(null, bytes.length === 0 ? undefined : bytes);
  }
}
