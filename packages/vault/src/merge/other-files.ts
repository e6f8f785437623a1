import { classify, GITATTRIBUTES_FILE, GITIGNORE_FILE, POLICY_FILE, VERSIONS_FOLDER } from "../format/layout.js";
import { parseSecretPath, type SecretPath } from "../format/names.js";
import { eachSide, type MergeInput, type Sided } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";
import type { MovedPaths, SecretView } from "./moves.js";
import { mergePolicies } from "./policy.js";
import type { Dialog } from "./questions.js";
import { fileForOwners, type Encryption, type FileOrigin } from "./recipients.js";
import { changedSide, mergeKeys } from "./three-way.js";

/** Files of the result, and the work that they take. */
export interface MergedFiles {
  readonly files: ReadonlyMap<string, FileOrigin>;
  readonly encryptions: readonly Encryption[];
}

/** Policy, git's rules for the folder, and whatever else a state has: each from the side that changed it. */
export function mergeOtherFiles(input: MergeInput, dialog: Dialog): ReadonlyMap<string, FileOrigin> {
  const merged = new Map<string, FileOrigin>();
  const names = new Set(input.sides.flatMap((side) => [...side.digests.keys(), ...side.strays.keys()]).filter(isOther));
  for (const file of [...names].toSorted()) {
    const origin = mergeWhole(input, file, dialog);
    if (origin) merged.set(file, origin);
  }
  return merged;
}

function isOther(file: string): boolean {
  const found = classify(file);
  if (found.kind === "added") return found.entry === "exposures.yaml";
  return found.kind === "git" || found.kind === "stray" || file === POLICY_FILE;
}

function mergeWhole(input: MergeInput, file: string, dialog: Dialog): FileOrigin | undefined {
  const digests: Sided<string | undefined> = [digestIn(input.sides[0], file), digestIn(input.sides[1], file)];
  const bases = input.bases.states.map((base) => digestIn(base, file));
  const side = changedSide(bases, digests, Object.is);
  if (side !== undefined) return digests[side] === undefined ? undefined : { side, file };
  const combined = combine(input, file, dialog);
  if (combined) return { bytes: combined };
  const texts = eachSide(digests, (digest) => (digest === undefined ? `${file} was removed` : `${file} was changed (${digest})`));
  const chosen = dialog.ask("file", file, texts);
  return digests[chosen] === undefined ? undefined : { side: chosen, file };
}

function combine(input: MergeInput, file: string, dialog: Dialog): Uint8Array | undefined {
  if (file === POLICY_FILE) return mergePolicies(input, dialog);
  const [first, second] = input.sides.map((side) => side.read(file));
  return (file === GITIGNORE_FILE || file === GITATTRIBUTES_FILE) && first && second ? withLinesOf(first, second) : undefined;
}

/** The first file with the lines that only the second has. */
function withLinesOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  const [own, others] = [first, second].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  const present = new Set(own.split(/\r?\n/));
  const missing = others.split(/\r?\n/).filter((line) => !present.has(line));
  const end = own === "" || own.endsWith("\n") ? "" : "\n";
  return new TextEncoder().encode(missing.length === 0 ? own : `${own}${end}${missing.join("\n")}\n`);
}

function digestIn(state: MergeState, file: string): string | undefined {
  return state.digests.get(file) ?? state.strays.get(file);
}

/**
 * The kept versions of both sides, for the owners of the result. They go with their secret.
 * @param owners their recipients
 * @param limit.added versions that this merge adds
 * @param limit.keep how many a secret keeps of those that every state has; one that is new to a side is never cut
 */
export function mergeVersions(
  input: MergeInput,
  moved: MovedPaths,
  secrets: { has(path: SecretPath): boolean },
  owners: readonly string[],
  { added, keep }: { readonly added: readonly string[]; readonly keep: number },
): MergedFiles {
  const inSides: Sided<ReadonlyMap<string, string>> = [versionsIn(moved.sides[0]), versionsIn(moved.sides[1])];
  const inBases = moved.bases.map((view) => ({ state: view.state, versions: versionsIn(view) }));
  const files = new Map<string, FileOrigin>();
  const encryptions: Encryption[] = [];
  const merged = mergeKeys(
    inBases.map(({ versions }) => versions),
    inSides,
    true,
  );
  const counts = new Map<SecretPath, number>();
  const isKnown = (file: string) => inSides.every((versions) => versions.has(file)) && inBases.some(({ versions }) => versions.has(file));
  for (const file of [...added, ...[...merged].filter((file) => !isKnown(file))]) {
    const { path } = versionOf(file)!;
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  for (const file of [...merged].toSorted(byNumber)) {
    const { path } = versionOf(file)!;
    if (isKnown(file)) {
      const count = (counts.get(path) ?? 0) + 1;
      counts.set(path, count);
      if (count > keep) continue;
    }
    if (!secrets.has(path)) continue;
    const own: Sided<string | undefined> = [inSides[0].get(file), inSides[1].get(file)];
    const bases = inBases.flatMap(({ state, versions }) => {
      const at = versions.get(file);
      return at === undefined ? [] : [{ state, file: at }];
    });
    const { origin, encryption } = fileForOwners(input, { file, name: file }, own, { owners, bases });
    files.set(file, origin);
    if (encryption) encryptions.push(encryption);
  }
  return { files, encryptions };
}

/** The kept versions of a state, by their path in the result. */
function versionsIn(view: SecretView): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of view.state.digests.keys()) {
    const version = versionOf(file);
    if (version) found.set(`${VERSIONS_FOLDER}/${view.resultOf(version.path)}/${version.name}`, file);
  }
  return found;
}

/** The newest first. */
function byNumber(a: string, b: string): number {
  const numberOf = (file: string) => Number.parseInt(versionOf(file)!.name, 10) || 0;
  return numberOf(b) - numberOf(a) || (a < b ? -1 : 1);
}

function versionOf(file: string): { path: SecretPath; name: string } | undefined {
  const match = /^versions\/(.+\/.+)\/([^/]+\.enc)$/.exec(file);
  return match ? { path: parseSecretPath(match[1]!), name: match[2]! } : undefined;
}
