import { basename, dirname } from "node:path";
import { accessDifference, type AccessDifference } from "../change/access-difference.js";
import { CommitFiles } from "../files/commit-files.js";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";
import { FINDINGS, type Finding } from "./finding.js";
import { GitRepository } from "../git/repository.js";
import { inspect } from "./inspection.js";
import { LOCK_FILE } from "../format/layout.js";
import { digestFiles, type KeyFinder } from "./digest-files.js";
import { assessTrust } from "../trust/trust-assessment.js";
import type { SignedLock } from "../lock/open-lock.js";
import { fingerprint } from "../lock/ssh-signature.js";
import { VaultState } from "../files/vault-state.js";

export interface VerifyOptions {
  /** A commit to verify instead of the work tree. */
  readonly at?: string | undefined;
  /** A commit to compare with, in terms of access. */
  readonly against?: string | undefined;
  /** Take warnings for errors. */
  readonly strict?: boolean;
  /** The age at which a state is too old, in milliseconds. */
  readonly maxAge?: number | undefined;
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
  /** What the lock says, where somebody signed it. */
  readonly state: SignedSummary | undefined;
  readonly findings: readonly Finding[];
  readonly comparison: Comparison | undefined;
}

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

/** What separates the verified state from another one. */
export interface Comparison {
  /** As it was asked for. */
  readonly revision: string;
  readonly commit: string;
  /** Whether there was no vault, one that nobody signed, or a signed one. */
  readonly before: "absent" | "unsigned" | "signed";
  /** Absent where one of the two states cannot be made sense of. */
  readonly difference: AccessDifference | undefined;
}

/**
 * Proves that a vault is sound, for CI and for whoever wants to know: what {@link assessTrust} and {@link inspect} look at, private keys
 * in the clear, and what the options demand. It needs no key, no network and no history, and writes nothing.
 * @param root absolute path of the vault's folder
 * @throws VaultError `INVALID_VALUE` for an unknown commit, `VAULT_NOT_FOUND` for one without a vault, `INVALID_KEY`, `DAMAGED` as
 *   `judgeTrust`. What is wrong with the vault is a finding.
 */
export async function verify(context: Context, root: string, options: VerifyOptions = {}): Promise<Verification> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  const commit = options.at === undefined ? undefined : await inRepository(root, repository).commitAt(options.at);
  const state = new VaultState(commit === undefined ? root : await CommitFiles.read(repository!, commit, root));
  const { digests, findings: keys } = digestFiles(state.source, options.findKeys);
  const { signed, findings } = await assessTrust(context, root, state, digests, { commit });
  findings.push(...demands(context, signed, options), ...inspect(context, state), ...keys);
  const comparison = options.against === undefined ? undefined : await compare(options.against);
  const judged = options.strict ? findings.map((finding) => ({ ...finding, severity: "error" as const })) : findings;
  return {
    ok: judged.every(({ severity }) => severity !== "error"),
    folder: repository ? repository.pathOf(root) : basename(root),
    commit,
    state: signed && summaryOf(signed),
    findings: judged.toSorted((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning")),
    comparison,
  };

  async function compare(revision: string): Promise<Comparison> {
    const before = await inRepository(root, repository).commitAt(revision);
    const base = await stateAt(repository!, before, root);
    const judgement = base && (await assessTrust(context, root, base, base.digests(), { commit: before, isPast: true }));
    const warn = (message: string, remedy: string, file: string) =>
      findings.push({ severity: "warning", kind: "against", subject: revision, message: `${revision}: ${message}`, remedy, file });
    // To judge the two by each other is no reason to trust the one before; whether its signer can be known is said of the one after.
    for (const { kind, message, remedy, file } of judgement?.findings ?? []) {
      if (kind !== "unsigned" && kind !== "signer-unknown") warn(message, remedy, file ?? LOCK_FILE);
    }
    let difference: AccessDifference | undefined;
    try {
      difference = accessDifference(base, state);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      warn(`who gains and loses access cannot be told. ${error.message}`, "Compare with another commit", LOCK_FILE);
    }
    return { revision, commit: before, before: base ? (judgement?.signed ? "signed" : "unsigned") : "absent", difference };
  }
}

/** The error with which a command ends that found these, or `undefined` where none is an error. */
export function verificationError(findings: readonly Finding[]): VaultError | undefined {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (!first) return undefined;
  const code: ErrorCode = FINDINGS[first.kind].code;
  const more = errors.length > 1 ? `, the first of ${errors.length} errors` : "";
  return new VaultError(code, `The vault is not in order${more}: ${first.message}`, {
    remedy: `${first.remedy}.`,
  });
}

/** What the caller asks of the state's age, beyond what its owner does. */
function demands(context: Context, signed: SignedLock | undefined, { maxAge, minSequence }: VerifyOptions): Finding[] {
  const findings: Finding[] = [];
  const add = (kind: Finding["kind"], message: string, remedy = "Get the newest state, from an owner if need be") =>
    findings.push({ severity: "error", kind, subject: LOCK_FILE, message, remedy, file: LOCK_FILE });
  if (maxAge === undefined && minSequence === undefined) return findings;
  if (!signed) {
    add("unsigned", "Without a signature there is nothing that says how old this state of the vault is.");
    return findings;
  }
  const { sequence, signedAt } = signed.lock;
  if (maxAge !== undefined && signedAt.getTime() < context.now().getTime() - maxAge)
    add("expired-state", `The state was signed on ${minutes(signedAt)}, which is longer ago than was asked for.`);
  if (minSequence !== undefined && sequence < minSequence)
    add("rollback", `This is state ${sequence} of the vault, and state ${minSequence} or a later one was asked for.`);
  return findings;
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

/** The vault as a commit holds it, or `undefined` where it holds none. */
async function stateAt(repository: GitRepository, commit: string, root: string): Promise<VaultState | undefined> {
  try {
    return new VaultState(await CommitFiles.read(repository, commit, root));
  } catch (error) {
    if (error instanceof VaultError && error.code === "VAULT_NOT_FOUND") return undefined;
    throw error;
  }
}

function inRepository(root: string, repository: GitRepository | undefined): GitRepository {
  if (repository) return repository;
  throw new VaultError("REPOSITORY_NOT_FOUND", `${root} is in no git repository, so there are no commits.`, {
    remedy: "Leave out --at and --against, or go to a clone.",
  });
}

/** To the minute, in UTC. */
function minutes(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}
