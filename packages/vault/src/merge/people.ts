import { VaultError } from "../errors.js";
import { FIRST_OWNER_FILE, ownerFile, publicKeyFile } from "../format/layout.js";
import type { OwnerEntry } from "../format/manifest.js";
import type { LockOwner } from "../lock/lock.js";
import type { MergedAccess } from "./access.js";
import { eachSide, type MergeInput, type SideIndex } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";
import type { Dialog } from "./questions.js";
import { changedSide } from "./three-way.js";

/** An owner of the result. */
export interface MergedOwner {
  readonly name: string;
  /** `age1...` */
  readonly recipient: string;
  readonly file: string;
}

/** An agent of the result. */
export interface MergedAgent {
  readonly name: string;
  /** `age1...`; `undefined` where its public key is missing. */
  readonly recipient: string | undefined;
  /** The sides that have this key, from which its files come. */
  readonly sides: readonly SideIndex[];
}

/** Whose keys everything is encrypted to, and who may sign. */
export interface MergedPeople {
  readonly owners: readonly MergedOwner[];
  readonly signers: readonly LockOwner[];
  readonly agents: ReadonlyMap<string, MergedAgent>;
}

/**
 * The keys of the owners and agents of the result. Never two for one name: where both sides gave one a key, a person decides.
 * @throws VaultError `CONFLICT` where no owner is left, as where two owners have removed each other
 */
export function mergePeople(input: MergeInput, access: MergedAccess, dialog: Dialog): MergedPeople {
  const { signers, owners } = mergeOwners(input, access, dialog);
  return { owners, signers, agents: new Map([...access.agents.keys()].map((name) => [name, mergeAgent(input, name, dialog)])) };
}

interface OwnerKeys {
  readonly recipient: string;
  readonly signingKey: LockOwner["key"] | undefined;
  readonly file: string;
}

function mergeOwners({ bases, sides }: MergeInput, access: MergedAccess, dialog: Dialog): Pick<MergedPeople, "owners" | "signers"> {
  const keys = eachSide(sides, ownerKeys);
  const inBases = bases.states.map(ownerKeys);
  const found = [...access.owners].map((name) => {
    const own = [keys[0].get(name), keys[1].get(name)] as const;
    const spelled = eachSide(own, spell);
    const side =
      own[0] && own[1]
        ? (changedSide(
            inBases.map((base) => spell(base.get(name))),
            spelled,
            Object.is,
          ) ??
          dialog.ask(
            "owner-key",
            name,
            eachSide(own, (key) => `the key of owner ${name} is ${key?.recipient}`),
          ))
        : own[0]
          ? 0
          : 1;
    return { name, ...own[side]! };
  });
  if (found.length === 0) throw noOwner();
  const signers = found.flatMap(({ name, signingKey }) => (signingKey ? [{ name, key: signingKey }] : []));
  if (signers.length === 0) throw noOwner();
  return { owners: placeOwners(found), signers };
}

/** The first owner has `owner.pub`, which agent-vault 0.1 reads, and no two have one file. */
function placeOwners(found: readonly { name: string; recipient: string; file: string }[]): MergedOwner[] {
  const first = found.find(({ file }) => file === FIRST_OWNER_FILE) ?? found[0]!;
  return [first, ...found.filter((owner) => owner !== first)].map(({ name, recipient }, index) => ({
    name,
    recipient,
    file: index === 0 ? FIRST_OWNER_FILE : ownerFile(name),
  }));
}

function ownerKeys({ vault, signed }: MergeState): ReadonlyMap<string, OwnerKeys> {
  const entries: readonly OwnerEntry[] = vault.manifest.owners;
  return new Map(
    vault.owners.map(({ name, recipient }, index) => [
      name,
      {
        recipient: recipient.text,
        signingKey: signed.lock.owners.find((owner) => owner.name === name)?.key,
        file: entries[index]?.file ?? FIRST_OWNER_FILE,
      },
    ]),
  );
}

function spell(keys: OwnerKeys | undefined): string {
  return `${keys?.recipient} ${keys?.signingKey}`;
}

function mergeAgent({ bases, sides }: MergeInput, name: string, dialog: Dialog): MergedAgent {
  const file = publicKeyFile(name);
  const recipients = eachSide(sides, (side) => keyIn(side, file));
  const present = ([0, 1] as const).filter((side) => recipients[side] !== undefined);
  if (present.length < 2) return { name, recipient: recipients[present[0] ?? 0], sides: present };
  const inBases = bases.states.map((base) => keyIn(base, file));
  const side =
    changedSide(inBases, recipients, Object.is) ??
    dialog.ask(
      "agent-key",
      name,
      eachSide(recipients, (key) => `the key of agent ${name} is ${key}`),
    );
  const recipient = recipients[side];
  return { name, recipient, sides: present.filter((other) => recipients[other] === recipient) };
}

function keyIn(state: MergeState, file: string): string | undefined {
  const bytes = state.read(file);
  return bytes && new TextDecoder().decode(bytes).trim();
}

function noOwner(): VaultError {
  return new VaultError("CONFLICT", "Each side has removed the other's owners, so nobody would be left to own the vault.", {
    remedy:
      "What is on the vault's main branch stays. An owner there runs agent-vault add-owner for those who are to come back; nothing was changed.",
  });
}
