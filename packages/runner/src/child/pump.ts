import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { ScrubStream, type UnfinishedOutput } from "../scrub/scrub-stream.js";

/** More than a pipe holds of what a child had written before it ended. */
const MAX_LEFT_BYTES = 1024 * 1024;

/** In so long a silence the end shows of what nobody holds any more: a terminal's comes after what was written to it. */
const SETTLE_MS = 30;

/** What a child writes, on its way through a transform to where it goes. */
export class Pump {
  readonly #source: Readable;
  readonly #through: Duplex;
  readonly #to: Writable;
  readonly #sourceEnds: Promise<void>;
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
    this.#sourceEnds = new Promise((done) => {
      source.once("close", () => done());
      source.on("error", () => done());
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
   * To be called when the child has ended: moves what it had written, and then no more. Resolves when all is handed on.
   * @returns whether a process that it left behind still holds the other end; {@link detach} is then to be called
   */
  async finish(): Promise<"ended" | "left open"> {
    const maxMoved = this.#moved + MAX_LEFT_BYTES;
    while (!this.#ended && this.#moved < maxMoved) {
      const before = this.#moved;
      if (this.#source.isPaused()) await this.#throughSays("drain");
      else await Promise.race([this.#sourceEnds, setTimeout(SETTLE_MS, undefined, { ref: false })]);
      if (!this.#source.isPaused() && this.#moved === before) break;
    }
    if (!this.#ended) return "left open";
    await this.#handOn();
    return "ended";
  }

  /** Reads no more, for another process to go on. @returns the source, whose descriptor is to be passed on before this turn ends */
  detach(): Readable {
    this.#source.pause();
    for (let chunk = this.#source.read() as Buffer | null; chunk !== null; chunk = this.#source.read() as Buffer | null)
      this.#through.write(chunk);
    return this.#source;
  }

  /** Closes the source. Resolves when all is handed on, to what another process is to go on with. */
  async close(): Promise<UnfinishedOutput | undefined> {
    const isOpen = !this.#ended && !this.#through.destroyed;
    const unfinished = isOpen && this.#through instanceof ScrubStream ? this.#through.handOver() : undefined;
    this.#end();
    await this.#handOn();
    return this.#through.readableEnded ? unfinished : undefined;
  }

  async #handOn(): Promise<void> {
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
