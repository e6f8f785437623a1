import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { classify, CONFIG_FILE, SIGNERS_FOLDER, STATES_FILE } from "../format/layout.js";
import type { SecretPath } from "../format/names.js";
import { withoutSignedFiles } from "../lock/added-files.js";
import { sortedUnion, type Change } from "./change.js";

/** One of the two states that are compared. */
export type Side = "before" | "after";

/** Something of a state that cannot be read, so that what it says cannot be compared. */
export interface Unreadable {
  readonly file: string;
  readonly side: Side;
  /** Why, in a sentence. */
  readonly message: string;
}

/** The two states that are compared, with what is found while they are. */
export class Pair {
  readonly before: VaultState | undefined;
  readonly after: VaultState;
  /** The digests of the files of each. */
  readonly #digests: Readonly<Record<Side, ReadonlyMap<string, string>>>;
  readonly changes: Change[] = [];
  readonly unreadable: Unreadable[] = [];
  /** Files whose difference is to be shown line by line. */
  readonly toShow = new Set<string>();
  readonly #named = new Set<string>();

  constructor(before: VaultState | undefined, after: VaultState) {
    this.before = before;
    this.after = after;
    this.#digests = { before: before?.digests() ?? new Map(), after: after.digests() };
  }

  /** Files whose bytes differ, sorted, without what follows from the others and from what was signed before. */
  differingFiles(): string[] {
    const { before, after } = this.#digests;
    const differing = sortedUnion(before.keys(), after.keys()).filter((file) => before.get(file) !== after.get(file));
    const toRead = differing.filter((file) => classify(file).kind !== "secret");
    for (const side of ["before", "after"] as const) this[side]?.source.preload?.(toRead.filter((file) => this.has(side, file)));
    return differing.filter((file) => !this.#isConsequence(file));
  }

  /** The states behind this one, the locks of earlier signers, and the digests of both in the configuration. */
  #isConsequence(file: string): boolean {
    const found = classify(file);
    if (found.kind === "added") return found.entry === STATES_FILE || found.entry === SIGNERS_FOLDER;
    const [old, now] = file === CONFIG_FILE ? [this.read("before", file), this.read("after", file)] : [];
    return old !== undefined && now !== undefined && withoutSignedFiles(old) === withoutSignedFiles(now);
  }

  /** The bytes of a file, `undefined` where a state does not have it or where it is a link. */
  read(side: Side, file: string): Uint8Array | undefined {
    return this.has(side, file) ? this[side]!.read(file) : undefined;
  }

  /** The secrets that a state has, sorted. */
  secretPaths(side: Side): SecretPath[] {
    return [...this.#digests[side].keys()].toSorted().flatMap((file) => {
      const found = classify(file);
      return found.kind === "secret" ? [found.path] : [];
    });
  }

  /** Whether a state has a file. */
  has(side: Side, file: string): boolean {
    return this.#digests[side].has(file);
  }

  /** What became of a file that differs. */
  howChanged(file: string): "added" | "changed" | "removed" {
    if (!this.has("before", file)) return "added";
    return this.has("after", file) ? "changed" : "removed";
  }

  /** Adds a change, and the files that it tells of. */
  add(change: Change, ...files: readonly string[]): void {
    this.changes.push(change);
    for (const file of files) this.#named.add(file);
  }

  /** Whether a change tells of a file. */
  isNamed(file: string): boolean {
    return this.#named.has(file);
  }

  /**
   * Reads something of one state.
   * @param file what it is read from, for the change that says that it cannot be read
   * @returns `undefined` where it cannot be read
   */
  tryRead<T>(side: Side, file: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      this.#addUnreadable({ file, side, message: error.message });
      return undefined;
    }
  }

  #addUnreadable(problem: Unreadable): void {
    if (this.unreadable.some(({ file, side }) => file === problem.file && side === problem.side)) return;
    this.unreadable.push(problem);
    this.toShow.add(problem.file);
    const when = problem.side === "before" ? "as it was before" : "as it is now";
    this.add(
      {
        kind: "unreadable",
        subject: problem.file,
        widens: true,
        text: `what ${problem.file} changes is not known, since it cannot be read ${when}: ${problem.message.replace(/\.$/, "")}`,
      },
      problem.file,
    );
  }
}
