import { basename, dirname, join } from "node:path";
import { CommitFiles } from "../files/commit-files.js";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";
import { FINDINGS, type Finding } from "./finding.js";
import { GitRepository } from "../git/repository.js";
import { readConsistently } from "../reading/read-consistently.js";
import { hasSignOfHalfWrite } from "./half-write.js";
import { inspect } from "./inspect.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { digestFiles, type KeyFinder } from "../files/digest-files.js";
import { shellWord } from "../text/shell-word.js";
import { openBase, requireRepository } from "./base.js";
import { compare, type Comparison } from "./comparison.js";
import { mergedParents, type MergedParent } from "./merged-states.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { waitingMerge } from "../sync/clone-status.js";
import { TrustContext } from "../trust/trust-context.js";
import { assessTrust } from "./trust-assessment.js";
import type { Digest } from "../lock/digest.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import { tooManyDiffering, type TooManyDiffering } from "../trust/differing-files.js";
import { fingerprint } from "../lock/ssh-signature.js";
import { VaultState } from "../files/vault-state.js";

/** What to verify, and what to demand of it. */
export interface VerifyOptions {
  /** A commit to verify instead of the work tree. */
  readonly at?: string | undefined;
  /**
   * A commit to compare with, of the branch that a change is proposed for: who can do what, since the two parted. Its state vouches for
   * the signer where nothing else is known, and the change must go on from where the two parted.
   */
  readonly against?: string | undefined;
  /** Treat warnings as errors. */
  readonly strict?: boolean;
  /** The age at which a state is too old, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
  /** The lowest sequence that will do. */
  readonly minSequence?: number | undefined;
  readonly findKeys?: KeyFinder;
}

/** What `verify` found. */
export interface Verification {
  /** Whether there is no error. */
  readonly ok: boolean;
  /** The vault's folder, relative to its repository, with `/`. */
  readonly folder: string;
  /** The commit that was verified; absent for the work tree. */
  readonly commit: string | undefined;
  /** What the lock says, where it is signed. */
  readonly state: SignedSummary | undefined;
  readonly findings: readonly Finding[];
  readonly comparison: Comparison | undefined;
  /** Of a merge, the states that it joined, with what it changed of each; none of another state, or where the signer is not trusted. */
  readonly merged: readonly MergedParent[];
}

/** What a signed lock says of a state. */
export interface SignedSummary {
  readonly vault: string;
  readonly sequence: number;
  readonly signedAt: Date;
  readonly validUntil: Date | undefined;
  /** The signer's name among the owners that the lock lists, if it is there. */
  readonly signer: string | undefined;
  /** Of the signer's key: `SHA256:...`. */
  readonly fingerprint: string;
}

/**
 * Proves that a vault is sound, for CI and for anybody who wants to know: what {@link assessTrust} and {@link inspect} look at, private
 * keys in plain text, and what the options demand. It needs no key, no network and no history, and writes nothing.
 * @param root absolute path of the vault's folder
 * @throws VaultError `INVALID_VALUE` for an unknown commit, `VAULT_NOT_FOUND` for one without a vault, `REPOSITORY_NOT_FOUND`, and
 *   `INVALID_KEY`, `DAMAGED` as {@link assessTrust}. A problem of the vault is a finding.
 */
export async function verify(context: Context, root: string, options: VerifyOptions = {}): Promise<Verification> {
  if (options.at !== undefined) return verifyOnce(context, root, options);
  return readConsistently(
    context,
    root,
    () => verifyOnce(context, root, options),
    ({ findings }) => hasSignOfHalfWrite(findings),
  );
}

async function verifyOnce(context: Context, root: string, options: VerifyOptions): Promise<Verification> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  const commit = options.at === undefined ? undefined : await requireRepository(root, repository).commitAt(options.at);
  const state = new VaultState(commit === undefined ? root : CommitFiles.open(repository!, commit, root));
  const many = await tooMany(context, root, state, commit);
  const { digests, keyMaterial } = many
    ? { digests: new Map<string, Digest>(), keyMaterial: [] }
    : digestFiles(state.source, options.findKeys);
  const { against } = options;
  const base = against === undefined ? undefined : await openBase(context, root, requireRepository(root, repository), against, commit);
  const { signed, lineage, findings: trust } = await assessTrust(context, root, state, digests, { commit, base: base?.base, many });
  const compared = base && (await compare(context, root, repository!, { state, lineage }, base));
  const findings = [
    ...(await unfinishedMerge(context, root, repository, { commit, trust })),
    ...trust,
    ...demands(context, signed, options),
    ...(many ? [] : inspect(context, state)),
    ...keyMaterial.map((found) => keyFinding(root, found)),
    ...(compared?.findings ?? []),
  ].map((finding) => (options.strict ? { ...finding, severity: "error" as const } : finding));
  return {
    ok: findings.every(({ severity }) => severity !== "error"),
    folder: repository ? repository.pathOf(root) : basename(root),
    commit,
    state: signed && summaryOf(signed),
    findings: findings.toSorted((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning")),
    comparison: compared?.comparison,
    merged: lineage ? mergedParents(new TrustContext(context, root, undefined, () => {}, {}), repository, state, signed) : [],
  };
}

/** What differs where it is too much to be named. Where that cannot be told, each file is looked at. */
async function tooMany(
  context: Context,
  root: string,
  state: VaultState,
  commit: string | undefined,
): Promise<TooManyDiffering | undefined> {
  try {
    const signed = tryOpenLock(state.read(LOCK_FILE), state.read(LOCK_SIGNATURE_FILE));
    return signed && (await tooManyDiffering(context, root, signed, state.source, commit));
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

/** The error that a command with these findings ends with, or `undefined` where none is an error. */
export function verificationError(findings: readonly Finding[]): VaultError | undefined {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (!first) return undefined;
  const code: ErrorCode = FINDINGS[first.kind].code;
  const count = errors.length === 1 ? "an error" : `${errors.length} errors, the first of them`;
  return new VaultError(code, `The vault has ${count}: ${first.message}`, { remedy: first.remedy });
}

/** What git, a host or an editor has joined, where that is what is wrong with the signature. */
async function unfinishedMerge(
  context: Context,
  root: string,
  repository: GitRepository | undefined,
  { commit, trust }: { readonly commit: string | undefined; readonly trust: readonly Finding[] },
): Promise<Finding[]> {
  const isHalfMade = trust.some(({ kind }) => kind === "bad-signature" || kind === "tampered");
  const waiting = isHalfMade && repository ? await waitingMerge(context, root, findVaultKeys(context, root), commit) : undefined;
  if (!waiting) return [];
  const { commit: at, states, owners } = waiting;
  return [
    {
      severity: "error",
      kind: "unfinished-merge",
      subject: LOCK_FILE,
      message: `In commit ${at.slice(0, 12)} states ${states.join(" and ")} of the vault came together, and no owner has signed the result.`,
      remedy: `An owner (${owners.join(", ")}) signs a merge of these states with agent-vault sync; what the files say until then counts for nothing.`,
      file: LOCK_FILE,
    },
  ];
}

/** What the caller asks of the state's age, beyond what its owner does. */
function* demands(context: Context, signed: SignedLock | undefined, { maxAgeMs, minSequence }: VerifyOptions): Generator<Finding> {
  if (maxAgeMs === undefined && minSequence === undefined) return;
  const finding = {
    severity: "error",
    subject: LOCK_FILE,
    remedy: "Get the newest state, from an owner if necessary.",
    file: LOCK_FILE,
  } as const;
  if (!signed) {
    yield { ...finding, kind: "unsigned", message: "Without a signature nothing says how old this state of the vault is." };
    return;
  }
  const { sequence, signedAt } = signed.lock;
  if (maxAgeMs !== undefined && signedAt.getTime() < context.now().getTime() - maxAgeMs) {
    const message = `The state was signed on ${minutes(signedAt)}, which is longer ago than allowed.`;
    yield { ...finding, kind: "expired-state", message };
  }
  if (minSequence !== undefined && sequence < minSequence) {
    const message = `This is state ${sequence} of the vault, and state ${minSequence} or a later one was asked for.`;
    yield { ...finding, kind: "rollback", message };
  }
}

function keyFinding(root: string, { file, line }: { file: string; line: number }): Finding {
  return {
    severity: "error",
    kind: "key-material",
    subject: file,
    message: `${file}:${line} holds a private key in plain text, so anyone who can read the repository has it.`,
    remedy: `Replace that key wherever it is used, then remove the file: rm ${shellWord(join(root, file))}.`,
    file,
    line,
  };
}

function summaryOf({ lock, signer }: SignedLock): SignedSummary {
  return {
    vault: lock.vault,
    sequence: lock.sequence,
    signedAt: lock.signedAt,
    validUntil: lock.validUntil,
    signer: lock.owners.find(({ key }) => key === signer)?.name,
    fingerprint: fingerprint(signer),
  };
}

/** To the minute, in UTC. */
function minutes(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}
