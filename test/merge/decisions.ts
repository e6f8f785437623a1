import { deepEqual } from "node:assert/strict";
import type { VaultState } from "#vault/files/vault-state.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import { parseLock } from "#vault/lock/lock.js";
import type { Member } from "./team.js";

/** What an owner did to one entry of the manifest: `agent bot`, `owner cem`, or `bot g`. */
export interface Decided {
  readonly kind: "add" | "remove";
  readonly entry: string;
}

/** The same, with all that was known where they did it. */
interface Decision extends Decided {
  readonly seen: ReadonlySet<Decision>;
}

/** What each signed state knows: all decisions behind it. */
export class Decisions {
  readonly #known = new Map<Digest, ReadonlySet<Decision>>();

  /** @param entries what the first state says */
  constructor(first: Member, entries: readonly string[]) {
    this.#known.set(digestIn(first), new Set(entries.map((entry) => ({ kind: "add", entry, seen: new Set() }))));
  }

  /** Notes what was decided in the state that a member has now; what it follows, its lock says. */
  note(member: Member, decided: readonly Decided[]): void {
    const seen = this.#knowledge(member, member.lock());
    this.#known.set(digestIn(member), new Set([...seen, ...decided.map((decision) => ({ ...decision, seen }))]));
  }

  /** An entry is there if some owner added it knowing of every removal of it, no matter who merged what and when. */
  expectAccess(member: Member, { manifest, owners }: VaultState): void {
    const all = [...this.#knowledge(member, member.lock())];
    const isLeft = (made: Decision) => all.every((other) => other.kind === "add" || other.entry !== made.entry || made.seen.has(other));
    const expected = new Set(all.filter((made) => made.kind === "add" && isLeft(made)).map(({ entry }) => entry));
    const isOfSomebody = (entry: string) => /^(?:agent|owner) /.test(entry) || expected.has(`agent ${entry.split(" ")[0]}`);
    const entries = [
      ...owners.map(({ name }) => `owner ${name}`),
      ...[...manifest.agents].flatMap(([agent, groups]) => [`agent ${agent}`, ...[...groups].map((group) => `${agent} ${group}`)]),
    ];
    deepEqual(entries.toSorted(), [...expected].filter(isOfSomebody).toSorted());
  }

  #knowledge(member: Member, lock: string): ReadonlySet<Decision> {
    const known = this.#known.get(digestOf(lock));
    if (known) return known;
    const found = new Set<Decision>();
    for (const previous of parseLock(new TextEncoder().encode(lock)).previous)
      for (const decision of this.#known.get(previous) ?? this.#knowledge(member, lockOf(member, previous))) found.add(decision);
    this.#known.set(digestOf(lock), found);
    return found;
  }
}

export function digestIn(member: Member): Digest {
  return digestOf(member.lock());
}

/** The lock of a state that a command made on its way, such as the first one of a rotation. */
function lockOf(member: Member, digest: Digest): string {
  const commits = member.git("rev-list", "--all", "--reflog", "--", ".agent-vault/vault.lock").trim().split("\n");
  for (const commit of commits) {
    const lock = member.git("show", `${commit}:.agent-vault/vault.lock`);
    if (digestOf(lock) === digest) return lock;
  }
  throw new Error(`Nothing has the state ${digest}.`);
}
