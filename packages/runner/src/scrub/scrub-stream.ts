import { Transform, type TransformCallback } from "node:stream";
import type { Scrubber } from "./scrubber.js";

/** Silence after which what is held back is handed on: it begins as a secret by chance. */
const SILENCE_MS = 10;
/** The same where more of a secret has been seen than chance explains. */
const LONG_SILENCE_MS = 500;
/** So many bytes of a secret are more than that. */
const LONG_START = 4;

/** What is handed on in a silence though it may be the start of a secret: whole lines, all, or nothing. */
export type OnSilence = "lines" | "all" | "nothing";

/** More of an output is not kept for another stream to go on with. */
const MAX_UNFINISHED_BYTES = 256 * 1024;

/** The end of an output, which may be the start of a secret: for another stream to go on with. */
export interface UnfinishedOutput {
  /** What came in since nothing was held back. */
  readonly bytes: Uint8Array;
  /** How many bytes of it have been passed on. */
  readonly passed: number;
}

/** Scrubs what is piped through it: `child.stdout.pipe(known.stream()).pipe(process.stdout)`. */
export class ScrubStream extends Transform {
  readonly #scrubber: Scrubber;
  readonly #onSilence: OnSilence;
  #timer: NodeJS.Timeout | undefined;
  #written = 0;
  #unfinished: readonly Uint8Array[] = [];
  #passed = 0;
  #handedOver: ((unfinished: UnfinishedOutput) => void) | undefined;

  /** Use `KnownSecrets.stream()`. */
  constructor(scrubber: Scrubber, onSilence: OnSilence) {
    super();
    this.#scrubber = scrubber;
    this.#onSilence = onSilence;
  }

  override _transform(chunk: Uint8Array, _encoding: string, done: TransformCallback): void {
    this.#written++;
    const bytes = this.#scrubber.write(chunk);
    this.#awaitSilence();
    this.#noteUnfinished(chunk, bytes.length);
    done(null, bytes.length === 0 ? undefined : bytes);
  }

  override _flush(done: TransformCallback): void {
    clearTimeout(this.#timer);
    const isUnfinished = this.#handedOver !== undefined && this.#unfinished.length > 0;
    this.#handedOver?.({ bytes: Buffer.concat(this.#unfinished), passed: this.#passed });
    const bytes = isUnfinished ? undefined : this.#scrubber.flush();
    done(null, bytes?.length === 0 ? undefined : bytes);
  }

  /** Ends it, and keeps back what may be the start of a secret. @returns that, for {@link goOnFrom} of another stream with the same secrets */
  handOver(): Promise<UnfinishedOutput> {
    const unfinished = new Promise<UnfinishedOutput>((done) => (this.#handedOver = done));
    this.end();
    return unfinished;
  }

  /** Goes on where another stream has ended. */
  goOnFrom({ bytes, passed }: UnfinishedOutput): void {
    if (bytes.length === 0) return;
    const again = this.#scrubber.write(bytes);
    const all = again.length < passed ? Buffer.concat([again, this.#scrubber.release(false)]) : again;
    if (all.length > passed) this.push(all.subarray(passed));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  #awaitSilence(): void {
    clearTimeout(this.#timer);
    const depth = this.#scrubber.heldDepth;
    if (depth === undefined || this.#onSilence === "nothing" || (this.#onSilence === "lines" && !this.#scrubber.holdsLine)) return;
    const written = this.#written;
    this.#timer = setTimeout(
      // What has arrived in the meantime is read first.
      () => setImmediate(() => written === this.#written && !this.writableEnded && this.#release()),
      depth < LONG_START ? SILENCE_MS : LONG_SILENCE_MS,
    );
  }

  #release(): void {
    const bytes = this.#scrubber.release(this.#onSilence === "lines");
    this.#passed += bytes.length;
    if (bytes.length > 0 && !this.destroyed) this.push(bytes);
  }

  #noteUnfinished(chunk: Uint8Array, passed: number): void {
    if (this.#scrubber.isAtRest || this.#unfinished.reduce((sum, { length }) => sum + length, chunk.length) > MAX_UNFINISHED_BYTES) {
      this.#unfinished = [];
      this.#passed = 0;
    } else {
      this.#unfinished = [...this.#unfinished, chunk];
      this.#passed += passed;
    }
  }
}
