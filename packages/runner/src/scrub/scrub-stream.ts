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

/** Scrubs what is piped through it: `child.stdout.pipe(known.stream()).pipe(process.stdout)`. */
export class ScrubStream extends Transform {
  readonly #scrubber: Scrubber;
  readonly #onSilence: OnSilence;
  #timer: NodeJS.Timeout | undefined;
  #written = 0;

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
    done(null, bytes.length === 0 ? undefined : bytes);
  }

  override _flush(done: TransformCallback): void {
    clearTimeout(this.#timer);
    const bytes = this.#scrubber.flush();
    done(null, bytes.length === 0 ? undefined : bytes);
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
    if (bytes.length > 0 && !this.destroyed) this.push(bytes);
  }
}
