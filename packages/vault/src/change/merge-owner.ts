import type { Identity } from "../age/identity.js";
import { ERROR_CODES, VaultError } from "../errors.js";
import { formerOwnerKeys } from "../keys/former-owner-keys.js";
import type { Keys } from "../keys/keys.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { SigningKey } from "../keys/signing-key.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import type { TrustContext } from "../trust/trust-context.js";
import { requireOwner, requireSigner } from "./require-signer.js";

type State = Pick<CommittedState, "signed" | "state">;

/** What is known of who merges. */
interface Merger {
  readonly unlocked?: Keys | "none" | undefined;
  readonly dryRun?: boolean | undefined;
}

/** The two states of a merge, and whence the other one comes. */
interface MergedStates {
  readonly trust: TrustContext;
  readonly here: State;
  readonly there: State;
  readonly branch: string;
  readonly since?: State | undefined;
}

/** A merge that needs a key, or a record, that a person has to unlock first. Nobody is asked while others wait for the vault. */
export class StillLocked extends Error {}

/**
 * The keys of the owner who merges, with the record open to them.
 * @param states those that come together, the one here first
 * @param refuse gives the error without an owner's key: agents and CI take what owners have merged
 * @throws VaultError `NOT_AUTHORIZED` where the owner's key was replaced and no state knows of it; {@link StillLocked}, and what `refuse` gives
 */
export async function ownersKeys(
  trust: TrustContext,
  states: readonly [State, ...State[]],
  { unlocked, dryRun }: Merger,
  refuse: () => Error | Promise<Error>,
): Promise<Keys> {
  const { context, root } = trust;
  if (unlocked === "none") throw await refuse();
  const keys = unlocked ?? trust.keys;
  if (!keys) throw new StillLocked();
  try {
    await ownerAmong(keys, states);
  } catch (error) {
    if (!(error instanceof VaultError) || ERROR_CODES[error.code].kind !== "key") throw error;
    throw (keys.isOwners ? await unknownNewKey(trust, states[0]) : undefined) ?? (await refuse());
  }
  const isOpen = dryRun || (await context.recorder?.unlock?.(context, { root, vault: states[0].signed.lock.vault, keys }, false));
  if (isOpen === false) throw new StillLocked();
  return keys;
}

/**
 * An owner of both states, or who has replaced an owner's key since, as where another clone on this machine did.
 * @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER`
 */
export async function requireOwnerOfBoth(
  { trust, here, there, branch, since }: MergedStates,
  keys: Keys,
): Promise<{ owner: Identity; signingKey: SigningKey }> {
  if (since) return requireOwner(keys, here.state, here.signed.lock);
  const owner = await ownerAmong(keys, [here, there]);
  const signingKey = new SigningKey(owner, here.signed.lock.vault);
  const isOwnerIn = ({ signed }: State) => trust.history.isOwnerIn(signed.lock, signingKey.publicKey);
  if (!isOwnerIn(here)) requireSigner(signingKey, here.signed.lock);
  if (isOwnerIn(there)) return { owner, signingKey };
  const names = there.signed.lock.owners.map(({ name }) => name).join(", ");
  throw new VaultError("NOT_AUTHORIZED", `You are not an owner of the vault on ${branch}, so you cannot merge it with yours.`, {
    remedy: `An owner there (${names}) decides: they take over what you have changed, or add you again with agent-vault add-owner. Nothing was changed.`,
  });
}

/** The owner's identity in one of some states: others may be from before the owner's key was replaced. @throws VaultError `NOT_AUTHORIZED` of the first */
async function ownerAmong(keys: Keys, [first, ...more]: readonly [State, ...State[]]): Promise<Identity> {
  try {
    return await ownerIdentityAmong(keys, first.state);
  } catch (error) {
    for (const { state } of more) {
      const owner = await ownerIdentityAmong(keys, state).catch(() => undefined);
      if (owner) return owner;
    }
    throw error;
  }
}

/** The error for an owner who has replaced their key in another clone, where no state here knows of it yet. */
async function unknownNewKey({ context }: TrustContext, { signed, state }: State): Promise<VaultError | undefined> {
  const former = await Promise.all(formerOwnerKeys(context, signed.lock.vault).map((identity) => identity.recipient()));
  if (!state.owners.some(({ recipient }) => former.includes(recipient.text))) return undefined;
  return new VaultError(
    "NOT_AUTHORIZED",
    "Your key for this vault was replaced, and none of the states that come together knows the new one.",
    {
      remedy: "Run agent-vault sync in the clone in which rotate-owner was run, then again here. Nothing was changed.",
    },
  );
}
