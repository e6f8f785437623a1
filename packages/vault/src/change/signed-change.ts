import type { Identity } from "../age/identity.js";
import { parseRecipient } from "../age/recipient.js";
import { newId, type Context } from "../context.js";
import { VaultError } from "../errors.js";
import { adoptExtraAgents, layoutUpgrade } from "./layout-upgrade.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { loadVaultKeys } from "../keys/vault-keys.js";
import { CONFIG_FILE } from "../format/layout.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { actorOf, onRecord, recordFailure, secretsAmong, type Begin } from "../record/on-record.js";
import type { Actor, BegunChange } from "../record/recorder.js";
import type { MergeDeciders } from "./ask-merge.js";
import { finishBeforeChange, forgetMerge, isJoined, isSignOfMerge } from "./finish-before-change.js";
import { recoverVault } from "./recovery.js";
import { withoutUnchanged, type FileChanges } from "../files/changes.js";
import { requireNoGitOperation } from "./preconditions.js";
import { transact, type PlannedCommit } from "./transaction.js";
import type { Digest } from "../lock/digest.js";
import type { LockOwner } from "../lock/lock.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { parentState } from "./parents.js";
import { requireOwner } from "./require-signer.js";
import { signState } from "./sign-state.js";
import { SigningKey } from "../keys/signing-key.js";
import { rememberMade } from "../trust/remember.js";
import { TrustContext } from "../trust/trust-context.js";
import { pullBeforeChange, pushAfterChange } from "../sync/around-change.js";
import { openForChange, verifyForChange } from "../reading/open-for-change.js";
import { VaultFolder } from "../files/vault-folder.js";
import { VaultState } from "../files/vault-state.js";

/** What every operation of an owner takes. */
export interface ChangeRequest {
  /** Absolute path of the vault's folder, from `findVault` or `init`. */
  readonly vault: string;
  readonly key?: KeyChoice;
  /** Say what would change, for whom, and change nothing. */
  readonly dryRun?: boolean;
  /** Asks a person about a merge that git has made of the vault, which is signed before the change; absent where there is nobody to ask. */
  readonly review?: MergeDeciders["review"];
}

/** What an operation works out from the state: a commit message, what to tell the caller, and the files beyond the usual. */
export interface Change<R> {
  readonly message: string;
  readonly result: R;
  files(owner: Identity, present: SignedLock): FileChanges | Promise<FileChanges>;
  /** Who may sign the next state, where that changes. */
  owners?(present: SignedLock): readonly LockOwner[];
  /**
   * The identity that takes the place of the owner's. Its key signs the same files once more, in a state of its own, so that somebody
   * who knows no other key can verify the vault.
   */
  readonly newIdentity?: Identity;
  /** Signs also where no file changes, and for another time: `null` for ever, `undefined` for as long as before. */
  readonly renewal?: { readonly lifetimeMs: number | null | undefined };
}

/** What an operation came to. */
export interface Changed<R> {
  readonly result: R;
  /** The state that the vault is in now. */
  readonly signed: SignedLock;
  /** How long this machine's audit log was when the change began, where it keeps one. */
  readonly anchor?: BegunChange["anchor"] | undefined;
}

/** Works out a change from a state. It writes nothing, and may be called more than once, in a trial without the owner. */
export type Operation<R> = (state: VaultState, owner?: Identity) => Change<R> | Promise<Change<R>>;

/** Asks a person for what an operation still lacks. @param keys those that make the change */
export type Ask = (keys: Keys) => Promise<void>;

/** As {@link changeSigned}, for the result alone. */
export async function changeVault<R>(context: Context, request: ChangeRequest, operation: Operation<R>, ask?: Ask): Promise<R> {
  return (await changeSigned(context, request, operation, ask)).result;
}

/**
 * Runs an owner's operation as one transaction: the owner's key first, then the state that it starts from, verified file for file,
 * then the operation, what every change brings along, and the signature over the new files.
 *
 * People are asked before the transaction, so that nobody waits for them, and after a trial run on the present state, so that they type
 * nothing in vain.
 * @throws VaultError `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `ROLLBACK` and the other codes of a verification, `TAMPERED`, `NOT_AUTHORIZED`,
 *   `USAGE` for the vault of a repository's URL, and what a transaction and the operation throw
 */
export async function changeSigned<R>(context: Context, request: ChangeRequest, operation: Operation<R>, ask?: Ask): Promise<Changed<R>> {
  const { vault, dryRun = false } = request;
  if (context.repositoryUrl) throw readOnly();
  if (!dryRun && isJoined(vault)) await finishBeforeChange(context, request);
  else if (!dryRun) forgetMerge(context, vault);
  try {
    return await changeOnce(context, request, operation, ask);
  } catch (error) {
    if (dryRun || !isSignOfMerge(error) || !(await finishBeforeChange(context, request))) throw error;
    return changeOnce(context, request, operation, ask);
  }
}

async function changeOnce<R>(context: Context, request: ChangeRequest, operation: Operation<R>, ask: Ask | undefined): Promise<Changed<R>> {
  const { vault, dryRun = false } = request;
  const plan: Operation<R> = async (state, owner) => {
    requireUsableManifest(state);
    adoptExtraAgents(state);
    const change = await operation(state, owner);
    state.manifest.rememberRemovals(() => newId(context));
    return change;
  };
  const tryOut = async (state: VaultState) => {
    if (!dryRun) await requireNoGitOperation(context, vault);
    await plan(state);
  };

  if (!dryRun) {
    await recoverVault(context, vault);
    await pullBeforeChange(context, vault, request.key);
  }
  // Files that nobody has verified yet decide here over nothing but whether a passphrase is asked for.
  const asking = confirmBeforePassphrase(context, () => tryOut(new VaultState(vault)));
  const keys = await loadVaultKeys(asking, vault, request.key);
  const trust = new TrustContext(context, vault, keys);
  if (ask) {
    await openForChange(trust, async (state) => {
      await ownerIdentityAmong(keys, state);
      await tryOut(state);
    });
    await ask(keys);
  }
  if (!dryRun) await asking.recorder?.unlock?.(asking, { root: vault, vault: vaultIdIn(new VaultFolder(vault)), keys }, true);
  const makeChange = (begin: Begin) =>
    transact(
      context,
      vault,
      async (state) => {
        const start = await verifyStart(context, trust, keys, state);
        const change = await plan(state, start.owner);
        let made: SignedFiles | undefined;
        return {
          message: change.message,
          result: () => ({ result: change.result, signed: made?.signed ?? start.base, made }),
          files: async () => {
            const files = await changedFiles(context, state, start, change);
            if (files.size === 0 && !change.renewal) return files;
            made = await signChange(context, trust, state, start, change, files, begin);
            return made.files;
          },
          more: () => made?.handover ?? [],
        };
      },
      { dryRun },
    );
  const { made, ...changed } = (await onRecord(context, makeChange))();
  if (made) {
    rememberMade(trust, made.signed);
    await pushAfterChange(context, vault, request.key);
  }
  return { ...changed, anchor: made?.anchor };
}

/** A context that asks for a passphrase only after a trial that does not fail. */
function confirmBeforePassphrase(context: Context, tryOut: () => Promise<void>): Context {
  if (!context.passphrase) return context;
  return {
    ...context,
    passphrase: async (keyFile) => {
      await tryOut();
      return context.passphrase!(keyFile);
    },
  };
}

/** The verified state that a change starts from, and the owner who makes it. */
interface Start {
  readonly base: SignedLock;
  /** Of all files, as they are now. */
  readonly digests: ReadonlyMap<string, Digest>;
  readonly actor: Actor;
  readonly owner: Identity;
  readonly signingKey: SigningKey;
}

/** Verifies every file, and that the keys are an owner's who may sign; a failure of the latter goes into the audit log. */
async function verifyStart(context: Context, trust: TrustContext, keys: Keys, state: VaultState): Promise<Start> {
  const { trusted: base, digests } = await verifyForChange(trust, state);
  const actor = actorOf(state, keys, base.lock.vault);
  try {
    return { base, digests, actor, ...(await requireOwner(keys, state, base.lock)) };
  } catch (error) {
    await recordFailure(context, actor, error);
    throw error;
  }
}

/** The files of a change and of what every change brings along, without those that stay as they are. */
async function changedFiles<R>(context: Context, state: VaultState, { owner, base }: Start, change: Change<R>): Promise<FileChanges> {
  return withoutUnchanged(state, new Map([...layoutUpgrade(context, state), ...(await change.files(owner, base))]));
}

/** A change's files with the lock over them, signed. */
interface SignedFiles {
  readonly files: FileChanges;
  /** The state after the last commit. */
  readonly signed: SignedLock;
  readonly anchor: BegunChange["anchor"] | undefined;
  /** A second commit, with the lock that a new identity signs. */
  readonly handover: readonly PlannedCommit[];
}

async function signChange<R>(
  context: Context,
  trust: TrustContext,
  state: VaultState,
  { base, digests, actor, signingKey }: Start,
  change: Change<R>,
  files: FileChanges,
  begin: Begin,
): Promise<SignedFiles> {
  const { message, newIdentity, renewal } = change;
  const { vault } = base.lock;
  const owners = change.owners?.(base) ?? base.lock.owners;
  const parents = [parentState(trust.history, state, base)];
  const anchor = await begin(actor, { what: message, secrets: secretsAmong(files) });
  if (newIdentity) await context.recorder?.admit([parseRecipient(await newIdentity.recipient())]);
  const lifetime = renewal?.lifetimeMs;
  const config = state.read(CONFIG_FILE);
  const next = signState(context, signingKey, { vault, parents, owners, digests, config, files, lifetime, anchor });
  if (!newIdentity) return { files: next.files, signed: next.signed, anchor, handover: [] };

  const again = { vault, parents: [next], owners, digests, config, files: next.files };
  const last = signState(context, new SigningKey(newIdentity, vault), again);
  const inBetween = { read: (file: string) => next.files.get(file) ?? undefined };
  const handover = { message: `${message}: signed with the new key`, files: withoutUnchanged(inBetween, last.files) };
  return { files: next.files, signed: last.signed, anchor, handover: [handover] };
}

/** Refuses a manifest that lists an agent or group twice: what an edit means would be unclear. @throws VaultError `INVALID_MANIFEST` */
export function requireUsableManifest(state: VaultState): void {
  const [twice] = state.manifest.duplicates;
  if (!twice) return;
  throw new VaultError("INVALID_MANIFEST", `manifest.yaml: ${twice} is listed twice.`, {
    remedy: "Merge the two entries and sign the change (agent-vault sign), then run the command again.",
  });
}

function readOnly(): VaultError {
  return new VaultError("USAGE", "A vault that is named by its repository's URL can be read, and not changed.", {
    remedy: "Change it in a clone of yours: git clone URL.",
  });
}
