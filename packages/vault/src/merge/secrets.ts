import { secretFile } from "../format/layout.js";
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
  /** Values that were not chosen. */
  readonly kept: readonly KeptValue[];
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
  readonly secrets: Map<SecretPath, MergedSecret>;
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
    const replaced = moved.replaced.get(path);
    if (secret) secrets.set(path, replaced === undefined ? secret : withKept(input, secret, [replaced, path], dialog));
  }
  return { secrets, comparable };

  function present(path: SecretPath, own: Sided<SecretPath>): MergedSecret {
    const { sides } = input;
    const digests = eachSide(own, (at, side) => sides[side].digests.get(secretFile(at)));
    if (digests[0] === digests[1]) return { path, own, values: [0, 1], setters: settersOf(path, own), kept: [] };
    const bases = moved.bases.map((view) => valueAt(view, path)).filter((value) => value !== undefined);
    const encrypted = changedSide(
      bases.map(({ digest }) => digest),
      digests,
      Object.is,
    );
    const values = eachSide(own, (at, side) => sides[side].valueKey(at));
    const setters = settersOf(path, own);
    // Only one side has written the file at all.
    if (encrypted !== undefined) return { path, own, values: [encrypted], setters, kept: [] };
    comparable.push(path);
    const side = changedSide(
      bases.map(({ key }) => key),
      values,
      Object.is,
    );
    const isEqual = input.equalValues?.get(path) ?? values[0] === values[1];
    if (isEqual) return { path, own, values: [0, 1], setters, version: highestVersion(own), kept: [] };
    if (side !== undefined && values[0] !== values[1]) return { path, own, values: [side], setters, kept: [] };
    const chosen = dialog.ask(
      "value",
      formatSecretPath(path),
      eachSide(own, (at, index) => describe(sides[index], at)),
      laterSide(sides),
    );
    return withKept(input, { path, own, values: [chosen], setters, kept: [] }, [otherSide(chosen), own[otherSide(chosen)]], dialog);
  }

  function onOneSide(path: SecretPath, own: Sided<SecretPath | undefined>): MergedSecret | undefined {
    const side: SideIndex = own[0] === undefined ? 1 : 0;
    const at = own[side]!;
    const bases = moved.bases.map((view) => valueAt(view, path)).filter((value) => value !== undefined);
    const secret = { path, own, values: [side], setters: settersOf(path, own), kept: [] };
    if (bases.length === 0 || moved.staying.has(path)) return secret;
    if (moved.going.has(path)) return undefined;
    const key = input.sides[side].valueKey(at);
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
      return bases.every((base) => base.digest !== digest) && bases.every(({ key }) => key !== input.sides[side].valueKey(at));
    });
  }

  function highestVersion(own: Sided<SecretPath>): number {
    return Math.max(...own.map((at, side) => input.sides[side as SideIndex].version(at)));
  }
}

/** A secret, and a value of one side that was not chosen in its favour: it has a later version than both. */
export function withKept(
  { sides }: MergeInput,
  secret: MergedSecret,
  [side, own]: readonly [SideIndex, SecretPath],
  dialog: Dialog,
): MergedSecret {
  const version = sides[side].version(own);
  const versions = eachSide(secret.own, (at, index) => (at === undefined ? 0 : sides[index].version(at)));
  const shown = formatSecretPath(secret.path);
  dialog.note({ kind: "kept", subject: shown, text: `the other value of ${shown} is kept as version ${version} for its owners` });
  return { ...secret, version: Math.max(secret.version ?? 0, ...versions, version) + 1, kept: [...secret.kept, { side, own, version }] };
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
      return view.state.valueKey(own);
    },
  };
}

function describe(state: MergeState, own: SecretPath): string {
  const metadata = state.metadata(own);
  const when = metadata?.rotated ?? metadata?.created;
  return `${formatSecretPath(own)} has version ${state.version(own)}${when === undefined ? "" : `, set ${when}`}`;
}
