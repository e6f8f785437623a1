import { ByteScrubber } from "./byte-scrubber.js";
import type { CompiledSecrets } from "./compiled-secrets.js";
import { mayHide, TerminalReader } from "./visible-text.js";

const NOTHING: Uint8Array = new Uint8Array();

/** One look at the output: as a terminal shows it, or, without a reader, at its bytes. */
interface Stage {
  readonly reader: TerminalReader | undefined;
  readonly scrubber: ByteScrubber;
}

/**
 * Replaces secrets in one output by `[REDACTED:group/name]`: in the text that a terminal shows of it, where a secret may be coloured or broken at the
 * terminal's width, and then in its bytes, of which a terminal may hide some. What is not part of a secret comes out byte for byte, in order.
 */
export class Scrubber {
  readonly #secrets: CompiledSecrets;
  readonly #first: ByteScrubber;
  /** From the first byte on that a terminal would not show: until then text and bytes are the same. */
  #stages: readonly Stage[] | undefined;

  /**
   * Use `KnownSecrets.scrubber()`.
   * @param columns the width of the terminal that the output is for: a secret that is broken there is found as well
   */
  constructor(secrets: CompiledSecrets, columns?: () => number) {
    this.#secrets = secrets;
    this.#first = new ByteScrubber(secrets);
    if (columns !== undefined) this.#stages = this.#allStages(columns);
  }

  /** How many bytes of a secret what is held back may be the start of, or `undefined` where nothing is. */
  get heldDepth(): number | undefined {
    const depths = this.#scrubbers.map(({ heldDepth }) => heldDepth).filter((depth) => depth !== undefined);
    return depths.length === 0 ? undefined : Math.max(...depths);
  }

  /** Whether nothing is held back, so that another scrubber can go on from here. */
  get isAtRest(): boolean {
    return this.heldDepth === undefined && (this.#stages?.every(({ reader }) => reader?.isAtRest ?? true) ?? true);
  }

  /** Whether a whole line is held back. */
  get holdsLine(): boolean {
    return this.#scrubbers.some(({ holdsLine }) => holdsLine);
  }

  /**
   * Takes in the next bytes, in pieces of any size.
   * @returns what can be passed on: all but an end that may be the start of a secret. It may be a view of `chunk`.
   */
  write(chunk: Uint8Array): Uint8Array {
    if (this.#stages === undefined) {
      if (!mayHide(chunk)) return this.#first.write(chunk);
      this.#stages = this.#allStages();
    }
    return this.#stages.reduce(pass, chunk);
  }

  /** Ends the output. @returns what was held back. */
  flush(): Uint8Array {
    if (this.#stages === undefined) return this.#first.flush();
    return this.#stages.reduce((before, stage) => {
      const { reader, scrubber } = stage;
      const passed = pass(before, stage);
      const { text, hidden } = reader?.end() ?? { text: NOTHING, hidden: [] };
      return joined(passed, scrubber.write(text, hidden), scrubber.flush());
    }, NOTHING);
  }

  /**
   * Hands on what is held back, without giving it up: where it was the start of a secret after all, the rest of that is still replaced.
   * @param linesOnly hands on whole lines only
   */
  release(linesOnly: boolean): Uint8Array {
    if (this.#stages === undefined) return this.#first.release(linesOnly);
    return this.#stages.reduce((before, stage) => joined(pass(before, stage), stage.scrubber.release(linesOnly)), NOTHING);
  }

  get #scrubbers(): readonly ByteScrubber[] {
    return this.#stages?.map(({ scrubber }) => scrubber) ?? [this.#first];
  }

  /** Before what is broken at the terminal's width is joined, what has lines of its own is looked at, such as a dump that is as wide as the terminal. */
  #allStages(columns?: () => number): Stage[] {
    const further = () => new ByteScrubber(this.#secrets);
    return [
      { reader: new TerminalReader(), scrubber: this.#first },
      ...(columns === undefined ? [] : [{ reader: new TerminalReader(columns), scrubber: further() }]),
      { reader: undefined, scrubber: further() },
    ];
  }
}

function pass(bytes: Uint8Array, { reader, scrubber }: Stage): Uint8Array {
  if (reader === undefined) return scrubber.write(bytes);
  const { text, hidden } = reader.read(bytes);
  return scrubber.write(text, hidden);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const some = parts.filter(({ length }) => length > 0);
  return some.length === 0 ? NOTHING : some.length === 1 ? (some[0] as Uint8Array) : Buffer.concat(some);
}
