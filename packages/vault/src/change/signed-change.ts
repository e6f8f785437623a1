import type { Identity } from "../age/identity.js";
import { parseRecipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { adoptExtraAgents, layoutUpgrade } from "./layout-upgrade.js";
import { loadKeys, type KeyChoice, type Keys } from "../keys/key-files.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { actorOf, onRecord, recordFailure, secretsAmong, type Begin, type BegunChange } from "../record/recorder.js";
import { recoverVault } from "./recovery.js";
import { requireQuietRepository, transact, withoutUnchanged, type FileChanges, type HookPoint } from "./transaction.js";
import type { Lock, LockOwner } from "../lock/lock.js";
import { withTamperedFileNames } from "../trust/tampered-file-names.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { signState } from "../lock/sign-state.js";
import { SigningKey } from "../keys/signing-key.js";
import { MAX_SEQUENCE_STEP, VaultTrust } from "../trust/vault-trust.js";
import { VaultState } from "../files/vault-state.js";

/** What every operation of an owner takes. */
export interface ChangeRequest {
  /** Absolute path of the vault's folder, from `findVault` or `init`. */
  readonly vault: string;
  readonly key?: KeyChoice;
  /** Say what would change, for whom, and change nothing. */
  readonly dryRun?: boolean;
}

/** What an operation works out from the state: a commit message, what to tell the caller, and the files beyond the usual. */
export interface Change<R> {
  readonly message: string;
  readonly result: R;
  files(owner: Identity, present: SignedLock): FileChanges | Promise<FileChanges>;
  /** Who may sign the next state, where that changes. */
  owners?(present: SignedLock): readonly LockOwner[];
  /**
   * The identity that takes the place of the owner's. Its key signs the same files once more, in a state of its own, so that whoever
   * knows no other key can tell the vault.
   */
  readonly successor?: Identity;
  /** Signs also where no file changes, and for another while: in milliseconds, `null` for ever, `undefined` for as long as before. */
  readonly renewal?: { readonly lifetime: number | null | undefined };
}

/** What an operation came to, and the state that the vault is in now. */
export interface Changed<R> {
  readonly result: R;
  readonly signed: SignedLock;
  /** Where the record of this machine stood when the change began. */
  readonly anchor?: BegunChange["anchor"] | undefined;
}

/** As {@link changeSigned}, for the result alone. */
export async function changeVault<R>(
  context: Context,
  request: ChangeRequest,
  operation: (state: VaultState) => Change<R> | Promise<Change<R>>,
  ask?: () => Promise<void>,
): Promise<R> {
  return (await changeSigned(context, request, operation, ask)).result;
}

/**
 * Runs an owner's operation as one transaction: the owner's key first, then the state that it starts from, verified file for file,
 * then the operation, what every change brings along, and the signature over what comes out.
 * Whatever a person is asked for comes before the transaction, so that nobody waits for them, and after a trial run on the present
 * state, so that they type nothing in vain.
 * @param operation works out the change; it writes nothing, and may be called more than once, in a trial without the owner
 * @param ask gets from the person what the operation still lacks
 * @throws VaultError the codes of {@link VaultTrust}, `TAMPERED`, `NOT_AUTHORIZED`, and what a transaction and the operation throw
 */
export async function changeSigned<R>(
  context: Context,
  request: ChangeRequest,
  operation: (state: VaultState, owner?: Identity) => Change<R> | Promise<Change<R>>,
  ask?: () => Promise<void>,
): Promise<Changed<R>> {
  const { vault, key, dryRun = false } = request;
  const plan = (state: VaultState, owner?: Identity) => {
    requireUsableManifest(state);
    adoptExtraAgents(state);
    return operation(state, owner);
  };
  const tryOut = async (state: VaultState) => {
    if (!dryRun) await requireQuietRepository(context, vault);
    await plan(state);
  };

  if (!dryRun) await recoverVault(context, vault);
  // What may be forged decides here over nothing but whether a passphrase is asked for.
  const trial = askingAfter(() => tryOut(new VaultState(vault)), context);
  const keys = await loadKeys(trial, { ...key, vaultId: () => vaultIdIn(new VaultFolder(vault)) });
  const trust = new VaultTrust(context, vault, keys);
  if (ask) {
    const state = new VaultState(vault);
    await trust.verifyForChange(state);
    await ownerIdentityAmong(keys, state);
    await tryOut(state);
    await ask();
  }
  let made: SignedLock | undefined;
  const changeOnRecord = (begin: Begin) =>
    transact(
      context,
      vault,
      async (state) => {
        const base = await trust.verifyForChange(state);
        const digests = await withTamperedFileNames(context, request.vault, () => state.signed!.requireAll());
        const { vault } = base.lock;
        const actor = actorOf(state, keys, vault);
        const { owner, signingKey } = await requireOwner(keys, state, base.lock).catch(async (error: unknown) => {
          await recordFailure(context, actor, error);
          throw error;
        });
        const change = await plan(state, owner);
        const { successor } = change;
        const outcome: { -readonly [Key in keyof Changed<R>]: Changed<R>[Key] } = { result: change.result, signed: base };
        const more: HookPoint[] = [];
        const files = async () => {
          const files = withoutUnchanged(state, new Map([...layoutUpgrade(context, state), ...(await change.files(owner, base))]));
          if (files.size === 0 && !change.renewal) return files;
          const owners = change.owners?.(base) ?? base.lock.owners;
          // Somebody may have driven the count up; with a new key it starts anew.
          const sequence = successor && base.lock.sequence > MAX_SEQUENCE_STEP ? 1 : trust.highestSequence(base) + 1;
          const lifetime = change.renewal?.lifetime;
          const anchor = (outcome.anchor = await begin(actor, { what: change.message, secrets: secretsAmong(files) }));
          if (successor) await context.recorder?.admit([parseRecipient(await successor.recipient())]);
          const next = signState(context, signingKey, { vault, sequence, previous: base, owners, digests, files, lifetime, anchor });
          outcome.signed = made = next.signed;
          if (successor) {
            const again = { vault, sequence: sequence + 1, previous: next.signed, owners, digests, files };
            const last = signState(context, new SigningKey(successor, vault), again);
            const lock = new Map([LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => [file, last.files.get(file)!]));
            more.push({ message: `${change.message}: signed with the new key`, files: lock });
            outcome.signed = made = last.signed;
          }
          return next.files;
        };
        return { message: change.message, result: outcome, files, more: () => more };
      },
      { dryRun },
    );
  const changed = await onRecord(context, changeOnRecord);
  if (made) trust.rememberMade(made);
  return changed;
}

/** @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER` */
export async function requireOwner(keys: Keys, state: VaultState, lock: Lock): Promise<{ owner: Identity; signingKey: SigningKey }> {
  const owner = await ownerIdentityAmong(keys, state);
  const signingKey = new SigningKey(owner, lock.vault);
  requireSigner(signingKey, lock);
  return { owner, signingKey };
}

/** Who opens the secrets as an owner and is not known as one who signs would make a state that nobody trusts. */
export function requireSigner({ publicKey }: SigningKey, { owners }: Lock): void {
  if (owners.some(({ key }) => key === publicKey)) return;
  throw new VaultError(
    "UNTRUSTED_SIGNER",
    "Whoever signed the state of this vault does not name the signing key that belongs to your key.",
    {
      remedy:
        "If you did not expect that, somebody has made this copy around your name: do not use it. Otherwise have another owner run agent-vault remove-owner and add-owner for you, with what agent-vault owner keys prints.",
    },
  );
}

export function requireUsableManifest(state: VaultState): void {
  const twice = state.manifest.problems.find((problem) => problem.endsWith("stands twice"));
  if (!twice) return;
  throw new VaultError("INVALID_MANIFEST", `manifest.yaml: ${twice}.`, {
    remedy: "Make one entry of the two and sign that (agent-vault sign), then run the command again.",
  });
}

/** A context that asks for a passphrase only after a trial that does not fail. */
function askingAfter(tryOut: () => Promise<void>, context: Context): Context {
  if (!context.passphrase) return context;
  return {
    ...context,
    passphrase: async (keyFile) => {
      await tryOut();
      return context.passphrase!(keyFile);
    },
  };
}
