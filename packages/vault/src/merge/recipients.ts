import type { MergeInput, SideIndex, Sided } from "./merge-input.js";
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
  /** Whether the value was set since the bases, and so has a file key of its own. */
  readonly isNew?: boolean;
}

/** What is known of a file's keys from the states that are merged. */
export interface FileHistory {
  /** Who can read it in each base that has it. */
  readonly bases: readonly ReadonlySet<string>[];
  /** Which sides have written it since. */
  readonly wrote: Sided<boolean>;
}

/**
 * Which of the files with one value is taken, and what has to be done to it. A file key that may be known to one who does not read the
 * result is never kept. Since a removal always takes a new file key, one that is newer than the bases is known to its side's readers alone; an
 * older one may have been given to readers on the other side, whom only the result leaves out.
 * @param candidates the first side's first
 * @param recipients of the result, the owners first
 */
function chooseFile(
  candidates: readonly Candidate[],
  recipients: readonly string[],
  { bases, wrote }: FileHistory,
): { readonly from: Candidate; readonly kind: Encryption["kind"] | undefined; readonly gained: readonly string[] } {
  const wanted = new Set(recipients);
  const lost = ({ recipients: has }: Candidate) =>
    [...(bases[0] ?? [])].some((one) => !has.has(one) && bases.every((base) => base.has(one)));
  const isWithin = ({ recipients: has }: Candidate) => [...has].every((recipient) => wanted.has(recipient));
  const isUsable = (candidate: Candidate) =>
    isWithin(candidate) && (candidate.isNew === true || lost(candidate) || !wrote[candidate.side === 0 ? 1 : 0]);
  // Both gave it to the same readers: either file is right.
  if (candidates.length === 2 && candidates.every((candidate) => isWithin(candidate) && candidate.recipients.size === wanted.size))
    return { from: candidates[0]!, kind: undefined, gained: [] };
  const usable = candidates.filter(isUsable);
  const same = usable.find((candidate) => candidate.recipients.size === wanted.size);
  if (same) return { from: same, kind: undefined, gained: [] };
  const [narrower] = usable;
  if (!narrower) return { from: candidates[0]!, kind: "re-encrypt", gained: recipients };
  return { from: narrower, kind: "add-recipients", gained: recipients.filter((recipient) => !narrower.recipients.has(recipient)) };
}

/** A file that is to have exactly these recipients. @returns where it comes from, and the work where there is any */
export function fileFor(
  { file, name }: { readonly file: string; readonly name: string },
  candidates: readonly Candidate[],
  recipients: readonly string[],
  history: FileHistory,
): { readonly origin: FileOrigin; readonly encryption: Encryption | undefined } {
  const { from, kind, gained } = chooseFile(candidates, recipients, history);
  const origin = { side: from.side, file: from.file };
  if (kind === undefined) return { origin, encryption: undefined };
  return { origin, encryption: { file, name, from: origin, kind, before: from.recipients.size, recipients: gained, all: recipients } };
}

/** A file for the owners alone, such as an escrow. @param own its path on each side @param bases those that have it */
export function fileForOwners(
  input: MergeInput,
  about: { readonly file: string; readonly name: string },
  own: Sided<string | undefined>,
  {
    owners,
    bases,
  }: { readonly owners: readonly string[]; readonly bases: readonly { readonly state: MergeState; readonly file: string }[] },
): ReturnType<typeof fileFor> {
  const candidates = ([0, 1] as const).flatMap((side) => {
    const path = own[side];
    return path === undefined ? [] : [{ side, file: path, recipients: input.sides[side].owners(), isNew: bases.length === 0 }];
  });
  const wrote = ([0, 1] as const).map((side) => {
    const digest = own[side] && input.sides[side].digests.get(own[side]);
    return digest !== undefined && !bases.some(({ state, file }) => state.digests.get(file) === digest);
  });
  return fileFor(about, candidates, owners, { bases: bases.map(({ state }) => state.owners()), wrote: [wrote[0]!, wrote[1]!] });
}
