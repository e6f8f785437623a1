import type { CompiledSecrets } from "./compiled-secrets.js";
import { Matcher } from "./matcher.js";

const WORD = 4;
const NOTHING = new Uint8Array();

/** Replaces secrets in one output by `[REDACTED:group/name]`. What is not part of a secret comes out byte for byte, in order. */
export class Scrubber {
  readonly #secrets: CompiledSecrets;
  readonly #matcher: Matcher;
  /** What has been taken in and may be the start of a match. */
  #held: Uint8Array = NOTHING;
  /** So many bytes of what is held belong to a match that has been replaced already. */
  #covered = 0;
  #coveredBy = -1;

  /** Use `KnownSecrets.scrubber()`. */
  constructor(secrets: CompiledSecrets) {
    this.#secrets = secrets;
    this.#matcher = new Matcher(secrets.encodedPatterns);
  }

  /**
   * Takes in the next bytes, in pieces of any size.
   * @returns what can be passed on: all but an end that may be the start of a match. It may be a view of `chunk`.
   */
  write(chunk: Uint8Array): Uint8Array {
    return this.#scrub(chunk, false);
  }

  /** Ends the output. @returns what was held back. */
  flush(): Uint8Array {
    return this.#scrub(NOTHING, true);
  }

  #scrub(chunk: Uint8Array, final: boolean): Uint8Array {
    const bytes = this.#held.length === 0 && chunk.byteOffset % WORD === 0 ? chunk : joined(this.#held, chunk);
    const output = new Output(bytes, this.#covered);
    this.#matcher.show(bytes, final);
    const open = this.#secrets.everyByte ? this.#searchBytes(0, bytes.length, output) : this.#searchWords(bytes, output);
    // On their own memory, as the chunk's belongs to the caller.
    this.#held = open < bytes.length ? new Uint8Array(bytes.subarray(open)) : NOTHING;
    this.#covered = Math.max(0, output.covered - open);
    return output.upTo(open);
  }

  /** Searches where the filter sees that a match may start. @returns where the first undecided one starts, or the end. */
  #searchWords(bytes: Uint8Array, output: Output): number {
    const { filter } = this.#secrets;
    const count = Math.floor(bytes.length / WORD);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, count);
    for (let index = filter.next(words, 0); index < count; index = filter.next(words, index + 1)) {
      const entry = filter.find(words[index] as number);
      if (entry < 0) continue;
      for (let offset = WORD - 1; offset >= 0; offset--) {
        const encodings = filter.encodings(entry, offset);
        const start = index * WORD - offset;
        if (encodings !== 0 && start >= 0 && !this.#decide(start, encodings, output)) return start;
      }
    }
    return this.#searchBytes(Math.max(0, (count - 1) * WORD + 1), bytes.length, output);
  }

  #searchBytes(from: number, to: number, output: Output): number {
    const { filter } = this.#secrets;
    for (let start = from; start < to; start++) {
      const encodings = filter.encodingsByFirstByte(output.bytes[start] as number);
      if (encodings !== 0 && !this.#decide(start, encodings, output)) return start;
    }
    return to;
  }

  /** Replaces the longest match at `start`, if there is one. @returns false if that can't be said yet. */
  #decide(start: number, encodings: number, output: Output): boolean {
    const matcher = this.#matcher;
    matcher.match(start, encodings);
    if (matcher.undecided) return false;
    if (matcher.end <= output.covered) return true;
    const repeated = start < output.covered && matcher.owner === this.#coveredBy;
    output.replace(start, matcher.end, repeated ? NOTHING : (this.#secrets.markers[matcher.owner] as Uint8Array));
    this.#coveredBy = matcher.owner;
    return true;
  }
}

/** Puts together what is passed on of `bytes`. */
class Output {
  readonly #parts: Uint8Array[] = [];

  readonly bytes: Uint8Array;
  /** What is before is replaced already. */
  covered: number;

  constructor(bytes: Uint8Array, covered: number) {
    this.bytes = bytes;
    this.covered = covered;
  }

  replace(start: number, end: number, marker: Uint8Array): void {
    if (start > this.covered) this.#parts.push(this.bytes.subarray(this.covered, start));
    if (marker.length > 0) this.#parts.push(marker);
    this.covered = end;
  }

  upTo(end: number): Uint8Array {
    if (end > this.covered) this.#parts.push(this.bytes.subarray(this.covered, end));
    return this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : this.#parts.length === 0 ? NOTHING : Buffer.concat(this.#parts);
  }
}

function joined(held: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(held.length + chunk.length);
  bytes.set(held);
  bytes.set(chunk, held.length);
  return bytes;
}
