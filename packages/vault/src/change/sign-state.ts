import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { FileChanges } from "../files/changes.js";
import { Config } from "../format/config.js";
import {
  CONFIG_FILE,
  LOCK_FILE,
  LOCK_SIGNATURE_FILE,
  signerLockFile,
  SIGNERS_FOLDER,
  signerSignatureFile,
  STATES_FILE,
} from "../format/layout.js";
import type { SigningKey } from "../keys/signing-key.js";
import { signedFilesIn } from "../lock/added-files.js";
import { Ancestry } from "../lock/ancestry.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { formatLock, type AuditAnchor, type LockOwner } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import { isAdded, isSigned, summarize } from "../lock/signed-files.js";
import { signersFollowing, type ParentState } from "./parents.js";

/** What a new state is signed as. */
export interface StateToSign {
  readonly vault: string;
  /** The states that this one follows: none for the first, one after a change, several where it joins them. */
  readonly parents: readonly ParentState[];
  readonly owners: readonly LockOwner[];
  /** The digests of the vault's files before the change. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** `config.yaml` before the change; `undefined` in a new vault. */
  readonly config: Uint8Array | undefined;
  /** Files that the change replaces, adds or removes. */
  readonly files: FileChanges;
  /** How long the state is valid, in milliseconds; `null` for ever; without it for as long as the newest one before was. */
  readonly lifetime?: number | null | undefined;
  /**
   * Of a merge: whether every file is as a parent has it. Then all that is signed follows from the parents, and every owner who merges
   * them makes the same state.
   */
  readonly merge?: "as-it-is" | "re-encrypted";
  /** The anchor of the record of the machine on which this is signed. */
  readonly anchor?: (AuditAnchor & { readonly machine: string }) | undefined;
}

/** A new state, as the next one takes it for a parent, and its files. */
export interface NewState extends ParentState {
  /** The change's files with those that every state brings along, the lock and its signature. */
  readonly files: FileChanges;
}

/**
 * Signs the state that a change leads to. With it come the states behind it and who signed them (`vault.states`, `signers/`), and in
 * `config.yaml` the digests of these files.
 * @throws VaultError `INVALID_YAML`, `INVALID_CONFIG` where `config.yaml` takes no `signed_files`
 */
export function signState(context: Context, key: SigningKey, state: StateToSign): NewState {
  const { vault, owners, parents } = state;
  const ancestry = Ancestry.following(parents.map(({ signed, ancestry }) => ({ digest: signed.digest, ancestry })));
  const signers = signersFollowing(parents);
  const files = new Map([...state.files, ...historyFiles(state.digests, ancestry, signers)]);
  const digests = digestsAfter(state.digests, files);
  const config = withSignedFiles(files.get(CONFIG_FILE) ?? state.config, addedAmong(digests));
  if (config) {
    files.set(CONFIG_FILE, config);
    digests.set(CONFIG_FILE, digestOf(config));
  }

  const { files: top, trees } = summarize(digests);
  const newest = parents.toSorted((a, b) => b.signed.lock.sequence - a.signed.lock.sequence)[0]?.signed;
  const signedAt = timeOf(context, state);
  const lifetime = state.lifetime === undefined ? lifetimeOf(newest) : state.lifetime;
  const validUntil = lifetime === null ? undefined : new Date(signedAt.getTime() + lifetime);
  const lock = {
    vault,
    sequence: Math.min((newest?.lock.sequence ?? 0) + 1, Number.MAX_SAFE_INTEGER),
    signedAt,
    validUntil: state.merge ? earliestEnd(parents) : validUntil,
    previous: headsOf(parents),
    owners,
    files: top,
    trees,
    audit: anchorsOf(parents, state.merge === "as-it-is" ? undefined : state.anchor),
  };
  const bytes = formatLock(lock);
  const signature = key.sign(bytes);
  files.set(LOCK_FILE, bytes).set(LOCK_SIGNATURE_FILE, signature);
  return { files, signed: { lock, digest: digestOf(bytes), signer: key.publicKey, signature }, ancestry, signers };
}

/** `vault.states` and the files in `signers/`, and `null` for each that is none of them. */
function historyFiles(digests: ReadonlyMap<string, Digest>, ancestry: Ancestry, signers: readonly SignedLock[]): FileChanges {
  const files: FileChanges = new Map();
  for (const file of digests.keys()) if (file === STATES_FILE || file.startsWith(`${SIGNERS_FOLDER}/`)) files.set(file, null);
  if (ancestry.size > 0) files.set(STATES_FILE, ancestry.toBytes());
  for (const { lock, digest, signature } of signers) {
    const name = digest.slice("sha256:".length);
    files.set(signerLockFile(name), formatLock(lock)).set(signerSignatureFile(name), signature);
  }
  return files;
}

function digestsAfter(before: ReadonlyMap<string, Digest>, files: FileChanges): Map<string, Digest> {
  const digests = new Map(before);
  for (const [file, bytes] of files) {
    if (!isSigned(file)) continue;
    if (bytes === null) digests.delete(file);
    else digests.set(file, digestOf(bytes));
  }
  return digests;
}

function addedAmong(digests: ReadonlyMap<string, Digest>): ReadonlyMap<string, Digest> {
  return summarize(new Map([...digests].filter(([file]) => isAdded(file)))).added;
}

/** A configuration that vouches for the added files; it stays as it is where it does so already. */
function withSignedFiles(config: Uint8Array | null | undefined, added: ReadonlyMap<string, Digest>): Uint8Array | undefined {
  if (!config) return undefined;
  const bytes = Config.parse(config).withSignedFiles(added);
  const listed = signedFilesIn(bytes);
  if ([...added].every(([name, digest]) => listed.get(name) === digest)) return bytes;
  throw new VaultError("INVALID_CONFIG", `${CONFIG_FILE} does not take the field signed_files, which every change writes.`, {
    remedy: `Write ${CONFIG_FILE} with one field a line, sign the change (agent-vault sign), then run the command again.`,
  });
}

/** In whole seconds: now, and of a merge that encrypts nothing the latest of its parents' times. */
function timeOf(context: Context, { parents, merge }: StateToSign): Date {
  if (merge === "as-it-is") return new Date(Math.max(...parents.map(({ signed }) => signed.lock.signedAt.getTime())));
  return new Date(Math.floor(context.now().getTime() / 1000) * 1000);
}

/** A merge is valid for no longer than any of its parents. */
function earliestEnd(parents: readonly ParentState[]): Date | undefined {
  const ends = parents.flatMap(({ signed }) => signed.lock.validUntil?.getTime() ?? []);
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

/** The states that are behind none of the others. */
function headsOf(parents: readonly ParentState[]): Digest[] {
  const digests = parents.map(({ signed }) => signed.digest);
  return digests.filter((digest) => !parents.some(({ ancestry }) => ancestry.has(digest))).toSorted();
}

/** Of each machine's log the longest that any parent names; of two as long the lower digest, so that all owners name the same. */
function anchorsOf(parents: readonly ParentState[], anchor: StateToSign["anchor"]): ReadonlyMap<string, AuditAnchor> {
  const anchors = new Map<string, AuditAnchor>();
  for (const [machine, found] of parents.flatMap(({ signed }) => [...signed.lock.audit])) {
    const known = anchors.get(machine);
    if (!known || found.rows > known.rows || (found.rows === known.rows && found.head < known.head)) anchors.set(machine, found);
  }
  if (anchor) anchors.set(anchor.machine, { rows: anchor.rows, head: anchor.head });
  return anchors;
}

function lifetimeOf(previous: SignedLock | undefined): number | null {
  const validUntil = previous?.lock.validUntil;
  return validUntil ? validUntil.getTime() - previous.lock.signedAt.getTime() : null;
}
