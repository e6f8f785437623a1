import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** More than a pipe holds of what a child had written before it ended. */
const MAX_LEFT_BYTES = 1024 * 1024;

/** What a child writes, on its way through a transform to where it goes. */
export class Pump {
  readonly #source: Readable;
  readonly #through: Duplex;
  readonly #to: Writable;
  #moved = 0;
  #ended = false;
  /** What kept output from being written, other than a reader that had seen enough. */
  failure: Error | undefined;

  constructor(source: Readable, through: Duplex, to: Writable) {
    this.#source = source;
    this.#through = through;
    this.#to = to;
    source.on("data", (chunk: Buffer) => {
      this.#moved += chunk.length;
      if (through.write(chunk)) return;
      source.pause();
      through.once("drain", () => source.resume());
    });
    source.once("close", () => this.#end());
    source.on("error", () => this.#end());
    through.on("error", (error) => this.breakOff(error));
    through.pipe(to, { end: false });
  }

  /** The reader is gone: so is now the child's, whose next write ends it as it would in a shell's pipeline. */
  breakOff(error: NodeJS.ErrnoException): void {
    if (error.code !== "EPIPE") this.failure ??= error;
    this.#ended = true;
    this.#source.destroy();
    this.#through.destroy();
  }

  /**
   * To be called when the child has ended: moves what it had written, and then no more, even if a process that it left behind still holds the
   * other end. Resolves when all is handed on.
   */
  async finish(): Promise<void> {
    const maxMoved = this.#moved + MAX_LEFT_BYTES;
    while (!this.#ended && this.#moved < maxMoved) {
      const before = this.#moved;
      // One whole turn of the event loop, in which a pipe with anything in it is read.
      await setImmediate();
      await setImmediate();
      if (this.#source.isPaused()) await this.#throughSays("drain");
      else if (this.#moved === before) break;
    }
    this.#end();
    this.#source.destroy();
    if (!this.#through.readableEnded) await this.#throughSays("end");
    if (this.#to.writable) await new Promise<void>((done) => this.#to.write("", () => done()));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#through.end();
  }

  async #throughSays(event: "drain" | "end"): Promise<void> {
    if (this.#through.destroyed) return;
    await Promise.race([once(this.#through, event), once(this.#through, "close")]).catch(() => {});
  }
}
