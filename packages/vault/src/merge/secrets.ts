import { secretFile } from "../format/layout.js";
import type { Metadata } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { changedSide } from "./three-way.js";
import { eachSide, laterSide, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";
import { otherSide, type MovedPaths, type SecretView } from "./moves.js";
import type { Dialog } from "./questions.js";

/** A secret of the result. */
export interface MergedSecret {
  readonly path: SecretPath;
  /** Its path on each side; `undefined` where that side does not have it. */
  readonly own: Sided<SecretPath | undefined>;
  /** The sides whose file holds the value; of two, either file will do. */
  readonly values: readonly SideIndex[];
  /** Sides that set a value since the base, the one that was not chosen among them. */
  readonly setters: readonly SideIndex[];
  /** The value's version, where it is not that of its own side. */
  readonly version?: number | undefined;
  /** The value that was not chosen. */
  readonly kept?: KeptValue | undefined;
}

/** A value that was not chosen, which becomes a version for the owners alone. */
export interface KeptValue {
  readonly side: SideIndex;
  /** Its path on that side. */
  readonly own: SecretPath;
  /** The number that it had there. */
  readonly version: number;
}

/** What became of the secrets. */
export interface MergedSecrets {
  readonly secrets: ReadonlyMap<SecretPath, MergedSecret>;
  /** Secrets whose files both sides encrypted: whether the values are equal takes a key to tell. */
  readonly comparable: readonly SecretPath[];
}

/** Which secrets there are, and whose value each has. */
export function mergeSecrets(input: MergeInput, moved: MovedPaths, dialog: Dialog): MergedSecrets {
  const secrets = new Map<SecretPath, MergedSecret>();
  const comparable: SecretPath[] = [];
  for (const path of [...new Set(moved.sides.flatMap((view) => view.results()))].toSorted()) {
    const own: Sided<SecretPath | undefined> = [moved.sides[0].ownOf(path), moved.sides[1].ownOf(path)];
    const secret = own[0] !== undefined && own[1] !== undefined ? present(path, [own[0], own[1]]) : onOneSide(path, own);
    if (secret) secrets.set(path, secret);
  }
  settleTwins(input, secrets, dialog);
  return { secrets, comparable };

  function present(path: SecretPath, own: Sided<SecretPath>): MergedSecret {
    const { sides } = input;
    const digests = eachSide(own, (at, side) => sides[side].digests.get(secretFile(at)));
    if (digests[0] === digests[1]) return { path, own, values: [0, 1], setters: settersOf(path, own) };
    const bases = moved.bases.map((view) => valueAt(view, path)).filter((value) => value !== undefined);
    const encrypted = changedSide(
      bases.map(({ digest }) => digest),
      digests,
      Object.is,
    );
    const values = eachSide(own, (at, side) => valueKey(sides[side], at));
    const setters = settersOf(path, own);
    // Only one side has written the file at all.
    if (encrypted !== undefined) return { path, own, values: [encrypted], setters };
    comparable.push(path);
    const side = changedSide(
      bases.map(({ key }) => key),
      values,
      Object.is,
    );
    const isEqual = input.equalValues?.get(path) ?? values[0] === values[1];
    if (isEqual) return { path, own, values: [0, 1], setters, version: highestVersion(own) };
    if (side !== undefined && values[0] !== values[1]) return { path, own, values: [side], setters };
    const chosen = dialog.ask(
      "value",
      formatSecretPath(path),
      eachSide(own, (at, index) => describe(sides[index], at)),
      laterSide(sides),
    );
    const loser = otherSide(chosen);
    const kept = { side: loser, own: own[loser], version: versionOf(sides[loser].metadata(own[loser])) };
    dialog.note({
      kind: "kept",
      subject: formatSecretPath(path),
      text: `the other value of ${formatSecretPath(path)} is kept as version ${kept.version} for its owners`,
    });
    return { path, own, values: [chosen], setters, version: highestVersion(own) + 1, kept };
  }

  function onOneSide(path: SecretPath, own: Sided<SecretPath | undefined>): MergedSecret | undefined {
    const side: SideIndex = own[0] === undefined ? 1 : 0;
    const at = own[side]!;
    const bases = moved.bases.map((view) => valueAt(view, path)).filter((value) => value !== undefined);
    const secret = { path, own, values: [side], setters: settersOf(path, own) };
    if (bases.length === 0 || moved.staying.has(path)) return secret;
    if (moved.going.has(path)) return undefined;
    const key = valueKey(input.sides[side], at);
    const isSet = bases.every((base) => base.key !== key);
    if (!isSet && input.bases.isComplete) return undefined;
    const shown = formatSecretPath(path);
    dialog.note({ kind: "stays", subject: shown, text: `${shown} was deleted on one side and set on the other, so it stays` });
    return secret;
  }

  function settersOf(path: SecretPath, own: Sided<SecretPath | undefined>): SideIndex[] {
    const bases = moved.bases.map((view) => valueAt(view, path)).filter((value) => value !== undefined);
    return ([0, 1] as const).filter((side) => {
      const at = own[side];
      if (at === undefined) return false;
      const digest = input.sides[side].digests.get(secretFile(at));
      return bases.every((base) => base.digest !== digest) && bases.every(({ key }) => key !== valueKey(input.sides[side], at));
    });
  }

  function highestVersion(own: Sided<SecretPath>): number {
    return Math.max(...own.map((at, side) => versionOf(input.sides[side as SideIndex].metadata(at))));
  }
}

/** Some disks cannot tell two paths apart that differ in case only, so one of them becomes a version of the other. */
function settleTwins(input: MergeInput, secrets: Map<SecretPath, MergedSecret>, dialog: Dialog): void {
  const byName = new Map<string, SecretPath>();
  for (const path of [...secrets.keys()].toSorted()) {
    const twin = byName.get(path.toLowerCase());
    if (twin === undefined) {
      byName.set(path.toLowerCase(), path);
      continue;
    }
    const [first, second] = [secrets.get(twin)!, secrets.get(path)!];
    // One of them is on the first side alone, the other on the second: no state has both.
    const owner = (secret: MergedSecret): SideIndex => (secret.own[0] === undefined ? 1 : 0);
    const texts = eachSide(owner(first) === 0 ? [twin, path] : [path, twin], (at) => `the name is ${formatSecretPath(at)}`);
    const answer = dialog.ask("twin", formatSecretPath(twin), texts);
    const [winner, loser] = owner(first) === answer ? [first, second] : [second, first];
    const side = owner(loser);
    const kept = { side, own: loser.own[side]!, version: versionOf(input.sides[side].metadata(loser.own[side]!)) };
    secrets.set(winner.path, { ...winner, kept });
    secrets.delete(loser.path);
    byName.set(path.toLowerCase(), winner.path);
  }
}

interface Value {
  readonly digest: string | undefined;
  /** Worked out where it is asked for: most secrets are the same everywhere. */
  readonly key: string;
}

function valueAt(view: SecretView, path: SecretPath): Value | undefined {
  const own = view.ownOf(path);
  if (own === undefined) return undefined;
  return {
    digest: view.state.digests.get(secretFile(own)),
    get key() {
      return valueKey(view.state, own);
    },
  };
}

/** One value from another by what the signed metadata says of it: encrypting it again changes none of that. */
function valueKey(state: MergeState, own: SecretPath): string {
  const metadata = state.metadata(own);
  if (!metadata) return `file ${state.digests.get(secretFile(own))}`;
  return JSON.stringify([metadata.created, versionOf(metadata), metadata.rotated]);
}

/** The number of a secret's value; agent-vault 0.1 counts none. */
function versionOf(metadata: Metadata | undefined): number {
  return metadata?.version ?? 1;
}

function describe(state: MergeState, own: SecretPath): string {
  const metadata = state.metadata(own);
  const when = metadata?.rotated ?? metadata?.created;
  return `${formatSecretPath(own)} has version ${versionOf(metadata)}${when === undefined ? "" : `, set ${when}`}`;
}
