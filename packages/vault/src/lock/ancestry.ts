import { VaultError } from "../errors.js";
import { STATES_FILE } from "../format/layout.js";
import type { Digest } from "./digest.js";

/** Half of a digest: nobody finds two states that share it, and ten thousand states stay small. */
const HEX_DIGITS = 32;
const LINE_BYTES = HEX_DIGITS + 1;
const LINES = new RegExp(`^(?:[0-9a-f]{${HEX_DIGITS}}\n)+$`);

/** A state with all that are behind it. */
export interface StateInHistory {
  readonly digest: Digest;
  readonly ancestry: Ancestry;
}

/**
 * The states behind a state, all of them back to the first, as `vault.states` lists them: the first half of each one's digest, one a
 * line, sorted. A state is newer than another where it is trusted and lists it. Nothing else makes it newer: no sequence, time or commit.
 */
export class Ancestry {
  /** Of the first state: there is nothing behind it. */
  static readonly NONE = new Ancestry("");
  readonly #lines: string;

  private constructor(lines: string) {
    this.#lines = lines;
  }

  /**
   * Reads `vault.states`.
   * @param bytes `undefined` for no such file, as in a first state and in those of 0.2.0
   * @throws VaultError `BAD_SIGNATURE` for any other spelling
   */
  static parse(bytes: Uint8Array | undefined): Ancestry {
    if (!bytes) return Ancestry.NONE;
    const ancestry = new Ancestry(Buffer.from(bytes).toString("latin1"));
    if (!LINES.test(ancestry.#lines) || !ancestry.#isSorted()) throw misspelled();
    return ancestry;
  }

  /** What is behind a state that follows these: they, and all that is behind them. */
  static following(parents: readonly StateInHistory[]): Ancestry {
    return Ancestry.#of(parents.flatMap(({ digest, ancestry }) => [lineOf(digest), ...ancestry.#all()]));
  }

  static #of(lines: readonly string[]): Ancestry {
    return new Ancestry([...new Set(lines)].toSorted().join(""));
  }

  /** The same with some more states. */
  with(digests: readonly Digest[]): Ancestry {
    return digests.length === 0 ? this : Ancestry.#of([...this.#all(), ...digests.map(lineOf)]);
  }

  /** Those that another one has as well. */
  sharedWith(other: Ancestry): Ancestry {
    const others = new Set(other.#all());
    return new Ancestry(
      this.#all()
        .filter((line) => others.has(line))
        .join(""),
    );
  }

  /** Whether each of these states is one of some others, or behind one. */
  isWithin(states: readonly StateInHistory[]): boolean {
    const all = new Set(Ancestry.following(states).#all());
    return this.#all().every((line) => all.has(line));
  }

  /** How many states there are behind this one. */
  get size(): number {
    return this.#lines.length / LINE_BYTES;
  }

  /** Whether a state is among them. */
  has(digest: Digest): boolean {
    const line = lineOf(digest);
    let [from, to] = [0, this.size];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const found = this.#line(middle);
      if (found === line) return true;
      if (found < line) from = middle + 1;
      else to = middle;
    }
    return false;
  }

  /** The bytes of `vault.states`; none for a first state, which has no such file. */
  toBytes(): Uint8Array {
    return Buffer.from(this.#lines, "latin1");
  }

  #line(index: number): string {
    return this.#lines.slice(index * LINE_BYTES, (index + 1) * LINE_BYTES);
  }

  #all(): string[] {
    return Array.from({ length: this.size }, (_, index) => this.#line(index));
  }

  #isSorted(): boolean {
    for (let index = 1; index < this.size; index++) if (this.#line(index - 1) >= this.#line(index)) return false;
    return true;
  }
}

function lineOf(digest: Digest): string {
  const start = "sha256:".length;
  return `${digest.slice(start, start + HEX_DIGITS)}\n`;
}

function misspelled(): VaultError {
  return new VaultError("BAD_SIGNATURE", `${STATES_FILE} is not a list of a vault's earlier states.`, {
    remedy: "Do not use this copy: ask an owner, and see with git log who changed it.",
  });
}
