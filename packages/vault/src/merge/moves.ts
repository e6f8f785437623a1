import { metadataFile } from "../format/layout.js";
import type { Metadata } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { eachSide, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";
import type { Dialog } from "./questions.js";

/** The secrets of a state under the paths that they have in the result. */
export class SecretView {
  readonly state: MergeState;
  readonly #toResult = new Map<SecretPath, SecretPath>();
  readonly #toOwn = new Map<SecretPath, SecretPath>();
  readonly #replaced = new Set<SecretPath>();

  constructor(state: MergeState) {
    this.state = state;
  }

  rename(own: SecretPath, result: SecretPath): void {
    this.#toResult.set(own, result);
    this.#toOwn.set(result, own);
  }

  /** Leaves a secret out: another one is at its path in the result. */
  replace(own: SecretPath): void {
    if (this.state.has(own)) this.#replaced.add(own);
  }

  /** Whether another secret is at this one's path in the result. */
  isReplaced(own: SecretPath): boolean {
    return this.#replaced.has(own);
  }

  /** Where a secret of the state is in the result. */
  resultOf(own: SecretPath): SecretPath {
    return this.#toResult.get(own) ?? own;
  }

  /** The path in the state of what is at a path of the result; `undefined` where the state has no such secret. */
  ownOf(result: SecretPath): SecretPath | undefined {
    const own = this.#toOwn.get(result) ?? (this.#toResult.has(result) || this.#replaced.has(result) ? undefined : result);
    return own !== undefined && this.state.has(own) ? own : undefined;
  }

  results(): SecretPath[] {
    return this.state.secrets.filter((own) => !this.#replaced.has(own)).map((own) => this.resultOf(own));
  }
}

/** A move that lost its new path to the other side, and so counts as not made. */
export interface UndoneMove {
  readonly side: SideIndex;
  readonly from: SecretPath;
  readonly to: SecretPath;
  /** Where the secret is in the result. */
  readonly path: SecretPath;
}

/** What became of the secrets' paths. */
export interface MovedPaths {
  readonly sides: Sided<SecretView>;
  readonly bases: readonly SecretView[];
  readonly undone: readonly UndoneMove[];
  /** Secrets, by their path in the result, that one side moved and the other deleted, and that stay. */
  readonly staying: ReadonlySet<SecretPath>;
  /** The same, for those that go. */
  readonly going: ReadonlySet<SecretPath>;
  /** What one side set at a path that the result has the other side's moved secret at. */
  readonly replaced: ReadonlyMap<SecretPath, SideIndex>;
}

/** Whether two metadata files are of one secret: by its id, and where one has none by the time at which it was made. */
export function isSameSecret(a: Metadata | undefined, b: Metadata | undefined): boolean {
  if (a?.id != null && b?.id != null) return a.id === b.id;
  return a?.created === b?.created;
}

/** Finds what each side moved, and brings all states to the paths of the result, so that a value set under the old path is at the new one. */
export function mergeMoves({ bases, sides }: MergeInput, dialog: Dialog): MovedPaths {
  const views: Sided<SecretView> = [new SecretView(sides[0]), new SecretView(sides[1])];
  const baseViews = bases.states.map((state) => new SecretView(state));
  const moves = eachSide(sides, (side) => movesSince(bases.states, side));
  const undone: UndoneMove[] = [];
  const staying = new Set<SecretPath>();
  const going = new Set<SecretPath>();
  const replaced = new Map<SecretPath, SideIndex>();

  const undo = (side: SideIndex, from: SecretPath, to: SecretPath) => {
    views[side].rename(to, from);
    undone.push({ side, from, to, path: from });
  };
  const follow = (from: SecretPath, to: SecretPath, ...followers: SecretView[]) => {
    for (const view of [...followers, ...baseViews]) if (view.state.has(from)) view.rename(from, to);
  };

  for (const from of [...new Set([...moves[0].keys(), ...moves[1].keys()])].toSorted()) {
    const targets = [moves[0].get(from), moves[1].get(from)] as const;
    const shown = formatSecretPath(from);
    if (targets[0] !== undefined && targets[1] !== undefined) {
      const texts = eachSide(targets, (to) => `${shown} was moved to ${formatSecretPath(to!)}`);
      const winner = targets[0] === targets[1] ? 0 : dialog.ask("move", shown, texts);
      const loser = otherSide(winner);
      if (targets[0] !== targets[1]) {
        views[loser].rename(targets[loser]!, targets[winner]!);
        undone.push({ side: loser, from, to: targets[loser]!, path: targets[winner]! });
      }
      follow(from, targets[winner]!);
      continue;
    }
    const mover: SideIndex = targets[0] === undefined ? 1 : 0;
    const other = otherSide(mover);
    const to = targets[mover]!;
    const [moved, stayed] = [views[mover], views[other]];
    const isThere = stayed.state.has(from) && isSameSecret(stayed.state.metadata(from), moved.state.metadata(to));
    if (!isThere) {
      const texts = inOrderOf(mover, `${shown} was moved to ${formatSecretPath(to)}`, `${shown} was deleted`);
      const answer = dialog.ask("move", shown, texts, mover);
      (answer === mover ? staying : going).add(to);
      follow(from, to);
      continue;
    }
    if (!stayed.state.has(to)) {
      follow(from, to, stayed);
      continue;
    }
    const replace = () => {
      for (const view of [stayed, ...baseViews]) view.replace(to);
      follow(from, to, stayed);
    };
    // Deleted to make room for it, and not changed on the other side.
    if (bases.states.some((base) => base.has(to) && base.valueKey(to) === stayed.state.valueKey(to))) {
      replace();
      continue;
    }
    // Both have something at the new path: what a person does not choose stays where it came from, or is kept as a version.
    const rival = [...moves[other]].find(([, target]) => target === to)?.[0];
    const texts = inOrderOf(
      mover,
      `${shown} was moved to ${formatSecretPath(to)}`,
      rival === undefined ? `${formatSecretPath(to)} was set` : `${formatSecretPath(rival)} was moved to ${formatSecretPath(to)}`,
    );
    const winner = dialog.ask("move", formatSecretPath(to), texts, mover);
    if (winner === other) undo(mover, from, to);
    else if (rival === undefined) {
      replaced.set(to, other);
      replace();
    } else {
      undo(other, rival, to);
      follow(from, to, stayed);
    }
  }
  return { sides: views, bases: baseViews, undone, staying, going, replaced };
}

/** The other one of two sides. */
export function otherSide(side: SideIndex): SideIndex {
  return side === 0 ? 1 : 0;
}

/** Two texts in the order of the sides. @param side whose the first text is */
function inOrderOf(side: SideIndex, own: string, others: string): Sided<string> {
  return side === 0 ? [own, others] : [others, own];
}

/** The secrets of any base that are at another path now, by their former path. */
function movesSince(bases: readonly MergeState[], side: MergeState): Map<SecretPath, SecretPath> {
  const moves = new Map<SecretPath, SecretPath>();
  for (const base of bases) {
    const isAnother = (path: SecretPath) => {
      if (base.digests.get(metadataFile(path)) === side.digests.get(metadataFile(path))) return false;
      return !isSameSecret(base.metadata(path), side.metadata(path));
    };
    const gone = base.secrets.filter((path) => !side.has(path) || isAnother(path));
    if (gone.length === 0) continue;
    const arrived = side.secrets.filter((path) => !base.has(path) || isAnother(path));
    for (const from of gone) {
      const before = base.metadata(from);
      if (before === undefined || (before.id == null && before.created === undefined)) continue;
      const [to, another] = arrived.filter((path) => isSameSecret(before, side.metadata(path)));
      // Several secrets that were made at one time, and have no id, cannot be told apart.
      const isOnly = to !== undefined && gone.every((other) => other === from || !isSameSecret(base.metadata(other), side.metadata(to)));
      if (isOnly && another === undefined && !moves.has(from)) moves.set(from, to);
    }
  }
  return moves;
}
