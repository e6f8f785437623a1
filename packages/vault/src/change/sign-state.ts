import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { FileChanges } from "../files/changes.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { formatLock, type AuditAnchor, type LockOwner } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import { isSigned, summarize } from "../lock/signed-files.js";
import type { SigningKey } from "../keys/signing-key.js";

/** What a new state is signed as. */
export interface StateToSign {
  readonly vault: string;
  readonly sequence: number;
  readonly previous: SignedLock | undefined;
  readonly owners: readonly LockOwner[];
  /** The digests of the vault's files before the change. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Files that the change replaces, adds or removes. */
  readonly files: FileChanges;
  /** How long the state is valid, in milliseconds; `null` for ever; without it for as long as the one before was. */
  readonly lifetime?: number | null | undefined;
  /** Where the record of the machine stands on which this is signed. */
  readonly anchor?: (AuditAnchor & { readonly machine: string }) | undefined;
}

/** Signs the state that a change leads to. @returns the change's files with the lock and its signature, and what they say */
export function signState(context: Context, key: SigningKey, state: StateToSign): { files: FileChanges; signed: SignedLock } {
  if (!Number.isSafeInteger(state.sequence)) throw exhausted(state.sequence);
  const digests = new Map(state.digests);
  for (const [file, bytes] of state.files) {
    if (!isSigned(file)) continue;
    if (bytes === null) digests.delete(file);
    else digests.set(file, digestOf(bytes));
  }
  const { previous } = state;
  const signedAt = new Date(Math.floor(context.now().getTime() / 1000) * 1000);
  const lifetime = state.lifetime === undefined ? lifetimeOf(previous) : state.lifetime;
  const { files: signedFiles, trees } = summarize(digests);
  const lock = {
    vault: state.vault,
    sequence: state.sequence,
    signedAt,
    validUntil: lifetime === null ? undefined : new Date(signedAt.getTime() + lifetime),
    previous: previous ? [previous.digest] : [],
    owners: state.owners,
    files: signedFiles,
    trees,
    audit: anchorsWith(previous?.lock.audit, state.anchor),
  };
  const bytes = formatLock(lock);
  const files = new Map([...state.files, [LOCK_FILE, bytes], [LOCK_SIGNATURE_FILE, key.sign(bytes)]]);
  return { files, signed: { lock, digest: digestOf(bytes), signer: key.publicKey } };
}

function anchorsWith(
  former: ReadonlyMap<string, AuditAnchor> = new Map(),
  anchor: StateToSign["anchor"],
): ReadonlyMap<string, AuditAnchor> {
  if (!anchor) return former;
  const { machine, rows, head } = anchor;
  return new Map([...former, [machine, { rows, head }]]);
}

function lifetimeOf(previous: SignedLock | undefined): number | null {
  const validUntil = previous?.lock.validUntil;
  return validUntil ? validUntil.getTime() - previous.lock.signedAt.getTime() : null;
}

function exhausted(sequence: number): VaultError {
  return new VaultError("FORKED", `No state can follow state ${sequence - 1}: no vault changes that often.`, {
    remedy: "Someone with an owner's key set the version number to its maximum. Run agent-vault rotate-owner, which starts again at 1.",
  });
}
