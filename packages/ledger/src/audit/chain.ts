import type { AuditAnchor, Digest } from "@agent-vault/vault/read-only";
import { VaultError } from "@agent-vault/vault/read-only";
import { genesis, hashOf, readRow, type AuditRow, type AuditHead } from "../database/audit-row.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Row } from "../database/connection.js";

/** The closed set of what is wrong with a log, each with what shows it. */
export type ChainFindingKind =
  /** The row does not have the hash of what it says. */
  | "row-changed"
  /** The row does not follow the one before it: something was changed, put in or taken out there. */
  | "link-broken"
  | "rows-missing"
  /** The first rows are gone, and no owner has signed for them. */
  | "cut-unsigned"
  /** Shown by an anchor alone: the log has fewer rows than an owner has signed for. */
  | "end-missing"
  /** Shown by an anchor alone: the rows up to there were replaced. */
  | "rewritten"
  /** Which secrets an event names is not what the lookup by secret says. */
  | "lookup-differs";

/** Something that is wrong with a log. */
export interface ChainFinding {
  readonly kind: ChainFindingKind;
  readonly shownBy: "chain" | "anchor";
  /** The first row that it is about. */
  readonly row: number;
  readonly message: string;
}

/** What following the chain has shown. */
export interface ChainReport extends AuditHead {
  readonly machine: string;
  /** Rows up to here were cut, under the owner's signature. */
  readonly cut: number;
  /** Rows up to here are what an owner has signed for: 0 without an anchor that fits. */
  readonly anchored: number;
  /** Whether nothing is wrong. */
  readonly holds: boolean;
  /** In the order of their rows; of many of one kind the first. */
  readonly findings: readonly ChainFinding[];
  /** Rows whose time is before that of the row before them: a clock was set back. That breaks nothing. */
  readonly clockWentBack: readonly number[];
}

/** A log that was changed from end to end has as many findings as rows. */
const MAX_FINDINGS = 100;

/** Takes the rows of a log in their order and says what does not fit. */
export class ChainVerification {
  readonly #machine: string;
  readonly #anchor: AuditAnchor | undefined;
  readonly #findings: ChainFinding[] = [];
  readonly #clockWentBack: number[] = [];
  #cut = 0;
  #rows = 0;
  #head: Digest;
  #time = "";
  #anchored = 0;
  #secrets = 0;

  constructor(
    vault: string,
    machine: string,
    checkpoints: readonly Checkpoint[],
    anchors: ReadonlyMap<string, AuditAnchor>,
    isSigned: (checkpoint: Checkpoint) => boolean,
  ) {
    this.#machine = machine;
    this.#anchor = anchors.get(machine);
    this.#head = genesis(vault, machine);
    for (const checkpoint of checkpoints) {
      if (!isSigned(checkpoint))
        this.#find("cut-unsigned", checkpoint.rows, "chain", "no owner of this vault has signed for the rows that were cut");
      this.#cut = this.#rows = checkpoint.rows;
      this.#head = checkpoint.head;
      this.#compareWithAnchor(checkpoint);
    }
    // What was signed for and cut since is covered by the signature under the cut.
    if (this.#anchor && this.#anchor.rows < this.#cut) this.#anchored = this.#anchor.rows;
  }

  take(stored: Row): void {
    const id = Number(stored["id"]);
    const row = this.#read(stored);
    const isNext = id === this.#rows + 1;
    if (!isNext && this.#rows === 0) this.#find("cut-unsigned", id - 1, "chain", "the first rows are gone, and nobody has signed for them");
    else if (!isNext) this.#find("rows-missing", this.#rows + 1, "chain", `rows ${this.#rows + 1} to ${id - 1} are missing`);
    const previous = stored["previous"];
    if (!row || hashOf(row) !== stored["hash"]) this.#find("row-changed", id, "chain", `row ${id} was changed`);
    if (isNext && previous !== this.#head) this.#find("link-broken", id, "chain", `row ${id} does not follow row ${id - 1}`);
    if (row && row.time < this.#time) this.#clockWentBack.push(id);
    this.#time = row?.time ?? this.#time;
    this.#secrets += new Set(row?.secrets).size;
    this.#rows = id;
    this.#head = stored["hash"] as Digest;
    this.#compareWithAnchor({ rows: id, head: this.#head });
  }

  /** @param lookups how many rows the lookup by secret has */
  finish(lookups: number): ChainReport {
    if (lookups !== this.#secrets)
      this.#find("lookup-differs", this.#cut + 1, "chain", "the lookup of uses by secret differs from the rows");
    const anchor = this.#anchor;
    if (anchor && anchor.rows > this.#rows)
      this.#find("end-missing", this.#rows + 1, "anchor", `an owner has signed for ${anchor.rows} rows, and there are ${this.#rows}`);
    const findings = this.#findings.toSorted((a, b) => a.row - b.row);
    const broken = findings.find(({ shownBy }) => shownBy === "chain");
    return {
      machine: this.#machine,
      rows: this.#rows,
      head: this.#head,
      cut: this.#cut,
      anchored: broken && broken.row <= this.#anchored ? 0 : this.#anchored,
      holds: findings.length === 0,
      findings,
      clockWentBack: this.#clockWentBack,
    };
  }

  /** Compares a row with the anchor, where it is the one that was anchored. */
  #compareWithAnchor({ rows, head }: AuditHead): void {
    if (this.#anchor?.rows !== rows) return;
    if (this.#anchor.head === head) this.#anchored = rows;
    else this.#find("rewritten", rows, "anchor", `row ${rows} is not the one that an owner has signed for`);
  }

  #read(stored: Row): AuditRow | undefined {
    try {
      return readRow(stored);
    } catch (error) {
      if (error instanceof VaultError) return undefined;
      throw error;
    }
  }

  #find(kind: ChainFindingKind, row: number, shownBy: ChainFinding["shownBy"], message: string): void {
    if (this.#findings.filter((finding) => finding.kind === kind).length < MAX_FINDINGS)
      this.#findings.push({ kind, row, shownBy, message });
  }
}
