/** Tells a client how far a call is, and while nothing new is to be said, that it still goes on: of every call, whatever it waits for. */
export class Heartbeat {
  readonly #tell: (message: string) => void;
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  #last: string | undefined;

  /** @param tell takes what the client is told */
  constructor(intervalMs: number, tell: (message: string) => void) {
    this.#tell = tell;
    this.#timer = setInterval(() => this.#beat(), intervalMs);
    // A call that waits keeps the process by what it waits for.
    this.#timer.unref();
  }

  /** Says something new. */
  readonly say = (message: string): void => {
    this.#last = message;
    this.#tell(message);
  };

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    this.#tell(`${this.#last ?? "Working."} This call has taken ${seconds} seconds so far.`);
  }
}
