import { eachSide, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";

/** Where the bytes of a file of the result come from. */
export type FileOrigin = { readonly side: SideIndex; readonly file: string } | { readonly bytes: Uint8Array };

/** A file that has to be encrypted again, or to more recipients, before the result can be signed. */
export interface Encryption {
  /** In the result. */
  readonly file: string;
  /** For errors and progress: a secret as it is shown, or what else it is. */
  readonly name: string;
  readonly from: { readonly side: SideIndex; readonly file: string };
  /** `re-encrypt` takes a new file key; `add-recipients` keeps it, since everyone who knows it reads the result too. */
  readonly kind: "re-encrypt" | "add-recipients";
  /** How many recipients the present file has by its side's manifest. */
  readonly before: number;
  /** All recipients of the result, or those that are added: `age1...`. */
  readonly recipients: readonly string[];
  /** All recipients of the result, the owners first. */
  readonly all: readonly string[];
}

/** A file with the value. */
export interface Candidate {
  readonly side: SideIndex;
  readonly file: string;
  /** Who can read it. */
  readonly recipients: ReadonlySet<string>;
  /** Whether its file key is none of the bases': it was encrypted since, and so is known to its side's readers alone. */
  hasNewKey(): boolean;
}

/** The same file in a base. */
export interface BaseFile {
  readonly state: MergeState;
  readonly file: string;
}

/**
 * Which of the files with one value is taken, and what has to be done to it. A file key that may be known to one who does not read the
 * result is never kept: one of the bases may have been given to readers on the other side, or on a third, whom the result leaves out.
 * @param candidates the first side's first
 * @param recipients of the result, the owners first
 * @param wrote which sides have written the file since the bases
 */
function chooseFile(
  candidates: readonly Candidate[],
  recipients: readonly string[],
  wrote: Sided<boolean>,
): { readonly from: Candidate; readonly kind: Encryption["kind"] | undefined; readonly gained: readonly string[] } {
  const wanted = new Set(recipients);
  const isWithin = ({ recipients: has }: Candidate) => [...has].every((recipient) => wanted.has(recipient));
  const isComplete = (candidate: Candidate) => isWithin(candidate) && candidate.recipients.size === wanted.size;
  // Both gave it to the same readers: either file is right, unless one of them has a key that a third state may have given away.
  if (candidates.length === 2 && candidates.every(isComplete))
    return { from: candidates.find((candidate) => candidate.hasNewKey()) ?? candidates[0]!, kind: undefined, gained: [] };
  const usable = candidates.filter((candidate) => isWithin(candidate) && (!wrote[candidate.side === 0 ? 1 : 0] || candidate.hasNewKey()));
  const same = usable.find(isComplete);
  if (same) return { from: same, kind: undefined, gained: [] };
  const [narrower] = usable;
  if (!narrower) return { from: candidates[0]!, kind: "re-encrypt", gained: recipients };
  return { from: narrower, kind: "add-recipients", gained: recipients.filter((recipient) => !narrower.recipients.has(recipient)) };
}

/**
 * A file that is to have exactly these recipients.
 * @param own its path on each side whose file has the value
 * @param readers of a side's file
 * @returns where it comes from, and the work where there is any
 */
export function fileFor(
  { sides }: MergeInput,
  { file, name, recipients }: { readonly file: string; readonly name: string; readonly recipients: readonly string[] },
  own: Sided<string | undefined>,
  {
    bases,
    wrote,
    readers,
  }: { readonly bases: readonly BaseFile[]; readonly wrote: Sided<boolean>; readonly readers: (side: SideIndex) => ReadonlySet<string> },
): { readonly origin: FileOrigin; readonly encryption: Encryption | undefined } {
  const candidates = ([0, 1] as const).flatMap((side): Candidate[] => {
    const path = own[side];
    if (path === undefined) return [];
    const hasNewKey = () => {
      const payload = sides[side].payload(path)!;
      return bases.every((base) => Buffer.compare(base.state.payload(base.file)!, payload) !== 0);
    };
    return [{ side, file: path, recipients: readers(side), hasNewKey }];
  });
  const { from, kind, gained } = chooseFile(candidates, recipients, wrote);
  const origin = { side: from.side, file: from.file };
  if (kind === undefined) return { origin, encryption: undefined };
  return { origin, encryption: { file, name, from: origin, kind, before: from.recipients.size, recipients: gained, all: recipients } };
}

/** Which sides have written a file since the bases. @param own its path on each side */
export function writersOf({ sides }: MergeInput, own: Sided<string | undefined>, bases: readonly BaseFile[]): Sided<boolean> {
  return eachSide(own, (path, side) => {
    const digest = path === undefined ? undefined : sides[side].digests.get(path);
    return digest !== undefined && !bases.some(({ state, file }) => state.digests.get(file) === digest);
  });
}

/** A file for the owners alone, such as an escrow. @param own its path on each side @param bases those that have it */
export function fileForOwners(
  input: MergeInput,
  about: { readonly file: string; readonly name: string },
  own: Sided<string | undefined>,
  { owners, bases }: { readonly owners: readonly string[]; readonly bases: readonly BaseFile[] },
): ReturnType<typeof fileFor> {
  const readers = (side: SideIndex) => input.sides[side].owners();
  return fileFor(input, { ...about, recipients: owners }, own, { bases, wrote: writersOf(input, own, bases), readers });
}
