import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { VaultFiles } from "../files/vault-files.js";
import type { VaultState } from "../files/vault-state.js";
import { CONFIG_FILE, LOCK_FILE } from "../format/layout.js";
import { GitRepository } from "../git/repository.js";
import { findKeys } from "../keys/find-key.js";
import type { Digest } from "../lock/digest.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { isNestedAttributes } from "../lock/tree-lists.js";
import { fingerprint } from "../lock/ssh-signature.js";
import { shellWord } from "../text/shell-word.js";
import type { BaseState } from "../trust/base-state.js";
import { differingFiles, type DifferingFile, type TooManyDiffering } from "../trust/differing-files.js";
import { rollback } from "../trust/errors.js";
import { floorOf } from "../trust/floor.js";
import { compareStates, requireOrder, requireValid } from "../trust/freshness.js";
import { requireFollowsBase } from "../trust/follows-base.js";
import { knownOf } from "../trust/known.js";
import type { Lineage } from "../trust/lineage.js";
import { workTreePlace } from "../trust/place.js";
import { readSignedLock, requireNeverSigned, requireTrustedSigner, requireVaultOfBase, requireVaultOfKey } from "../trust/signer.js";
import { TrustContext, type OnTrustWarning } from "../trust/trust-context.js";
import { holdToLock } from "../trust/hold-to-lock.js";
import { damageFinding } from "./damage.js";
import { kindOf, type Finding } from "./finding.js";

/** What was found out about a vault's signature. */
export interface TrustAssessment {
  /** The state, where its signature is one, by whomever it was made. */
  readonly signed: SignedLock | undefined;
  /** The states behind it, where its signer is trusted and it may follow them. */
  readonly lineage: Lineage | undefined;
  readonly findings: Finding[];
}

const DOUBT = "Do not use it before an owner has looked at it.";

/** Which state is assessed; the work tree's as it is now unless set. */
export interface TrustAssessmentOptions {
  /** The commit that the state comes from, where it is not the work tree's. */
  readonly commit?: string | undefined;
  /** What came after the state says nothing against it. */
  readonly isPast?: boolean;
  /** The state that it is proposed to follow. */
  readonly base?: BaseState | undefined;
  /** What differs, where that is too much to be named: then no digests are needed. */
  readonly many?: TooManyDiffering | undefined;
}

/**
 * Finds out whether a vault is what its owner signed, and who that is, without any key and without writing anything down: signature,
 * signer, id, sequence, validity, and the digest of every file.
 * @param root the vault's folder, for its repository
 * @param state the vault's files, unverified
 * @param digests of all of them
 * @throws VaultError `INVALID_KEY`, `DAMAGED` for what lies outside the vault: AGENT_VAULT_OWNER, what is remembered of it
 */
export async function assessTrust(
  context: Context,
  root: string,
  state: VaultState,
  digests: ReadonlyMap<string, Digest>,
  options: TrustAssessmentOptions = {},
): Promise<TrustAssessment> {
  const { commit, isPast = false, base, many } = options;
  const keys = findKeys(context, { vaultId: () => vaultIdIn(state.source) });
  const isCompared = !isPast && (commit === undefined || (await isTip(context, root, commit)));
  const problems = new Problems(() => trust.isStrict);
  const trust = new TrustContext(context, root, keys, problems.warn, { base });
  const { signed, lineage } = assessSignature(trust, state, problems, { isPast, isCompared });
  const findings = [...problems.all()];
  if (!signed) return { signed, lineage, findings };
  const add = (severity: Finding["severity"], kind: Finding["kind"], file: string, message: string, remedy: string) =>
    findings.push({ severity, kind, subject: file, message, remedy, file });

  if (!findings.some(({ kind }) => kind === "untrusted-signer")) assessSigner();
  const id = idOf(state);
  if (id !== undefined && id !== signed.lock.vault)
    add(
      "error",
      "wrong-vault",
      CONFIG_FILE,
      `${CONFIG_FILE} has the id ${id}, and the vault that was signed is ${signed.lock.vault}.`,
      DOUBT,
    );
  for (const found of many?.named ?? (await differing())) {
    const path = shellWord(join(root, found.file));
    const undo = found.how === "added" ? `remove the file: rm ${path}` : `restore what was signed: git checkout COMMIT -- ${path}`;
    const remedy = `If an owner made this change, they sign it: agent-vault sign. Otherwise see who made it (git log -- ${path}), and ${undo}.`;
    add("error", "tampered", found.file, formatDiffering(found), remedy);
  }
  if (many && many.more > 0) {
    const message = `${many.more} more files and folders are not what the owner signed. None of them was looked at.`;
    add("error", "tampered", LOCK_FILE, message, `See who made them: git log. ${DOUBT}`);
  }
  for (const { file } of many ? [] : state.source.walk().filter((entry) => isNestedAttributes(entry.file))) {
    const message = `${file} would have git change the vault's files on their way to the work tree.`;
    add("error", "tampered", file, message, `Find out who put it there, then remove it: rm ${shellWord(join(root, file))}.`);
  }
  return { signed, lineage, findings };

  /** What a configuration that cannot be read lists is not known: that it cannot is a finding of its own. */
  async function differing(): Promise<DifferingFile[]> {
    try {
      return await differingFiles(context, root, signed!, digests, state.read(CONFIG_FILE), commit);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== "INVALID_CONFIG") throw error;
      findings.push(damageFinding(state, CONFIG_FILE, CONFIG_FILE, error));
      return differingFiles(context, root, signed!, digests, undefined, commit);
    }
  }

  /** Who signs is one of the owners, or was one in the state before: an owner who hands over signs the state that names the next. */
  function assessSigner(): void {
    const { lock, signer } = signed!;
    if (lock.owners.some(({ key }) => key === signer)) return;
    const who = `The state was signed by ${fingerprint(signer)}, who is none of the owners that it names`;
    const before = lock.previous.flatMap((digest) => trust.history.get(digest) ?? []);
    if (before.some((state) => state.lock.owners.some(({ key }) => key === signer))) return;
    if (before.length < lock.previous.length)
      add(
        "warning",
        "signer-unknown",
        LOCK_FILE,
        `${who}; whether the state before names them, this clone does not hold the history to tell.`,
        "Fetch it: git fetch --unshallow.",
      );
    else add("error", "untrusted-signer", LOCK_FILE, `${who}, and none of those of the state before.`, DOUBT);
  }
}

/**
 * Goes through the checks of `verifyState` in their order, and on after what is wrong. Nothing is vouched for, nothing remembered.
 * @param options.isPast whether it may have gone stale
 * @param options.isCompared whether it should be or follow what was seen and made
 * @returns the state, where its signature is right, by whatever key; what is behind it, where that key is trusted
 */
function assessSignature(
  trust: TrustContext,
  files: VaultState,
  problems: Problems,
  { isPast, isCompared }: { isPast: boolean; isCompared: boolean },
): Pick<TrustAssessment, "signed" | "lineage"> {
  const signed = problems.unless(() => readSignedLock(files));
  if (!signed) {
    if (problems.all().length === 0) problems.unless(() => requireNeverSigned(trust, files));
    return { signed: undefined, lineage: undefined };
  }
  const known = problems.unless(() => {
    requireVaultOfKey(trust, signed);
    requireVaultOfBase(trust, signed);
    return knownOf(trust, signed);
  });
  // What is inspected stays as it lies there; these are the same files, held to the lock.
  const held = new VaultFiles(files.source);
  const lineage = holdToLock(trust, held, signed);
  const isTrusted = known && problems.unless(() => (requireTrustedSigner(trust, lineage, held, known), true));
  // What somebody else's state says is behind it says nothing of the owner's states.
  if (isTrusted && isCompared) {
    problems.unless(() => {
      requireOrder(trust, lineage, workTreePlace(trust.context, trust.root), known);
      compareWithFloor(trust, lineage);
    });
  }
  const { base } = trust;
  const isSound = isTrusted && (!base || problems.unless(() => (requireFollowsBase(trust, lineage, base), true)));
  if (!isPast) problems.unless(() => requireValid(trust, signed));
  return { signed, lineage: isSound ? lineage : undefined };
}

/** Taking commits back leaves an older state on top of a newer one; a clone that is behind does not. @throws VaultError `ROLLBACK` */
function compareWithFloor(trust: TrustContext, lineage: Lineage): void {
  for (const seen of floorOf(trust, lineage)) {
    const order = compareStates(trust, lineage, seen);
    if (order !== "older" && order !== "unrelated") continue;
    if (trust.history.head.behind.has(seen.lock)) throw rollback(lineage.signed, seen);
    const { sequence } = lineage.signed.lock;
    if (order === "older") {
      trust.warn("rollback", `This is state ${sequence} of the vault, and the remote has state ${seen.sequence}.`, "Run agent-vault sync.");
    } else {
      trust.warn(
        "diverged",
        `The vault was changed here and on its remote: state ${sequence} does not follow state ${seen.sequence}.`,
        "Run agent-vault sync.",
      );
    }
  }
}

/** What speaks against a state, each thing once. */
class Problems {
  readonly #byMessage = new Map<string, Finding>();
  readonly #isStrict: () => boolean;

  /** @param isStrict whether it must be known who may sign */
  constructor(isStrict: () => boolean) {
    this.#isStrict = isStrict;
  }

  /** Takes a warning. */
  readonly warn: OnTrustWarning = (kind, message, remedy) => {
    const isError = (kind === "unsigned" || kind === "signer-unknown") && this.#isStrict();
    this.#add(isError ? "error" : "warning", kind, message, remedy);
  };

  /** Runs a check; what it throws of a vault that is not what its owner signed becomes a problem. */
  unless<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!isVerificationError(error)) throw error;
      this.#add("error", kindOf(error.code), error.message, error.remedy ?? "");
      return undefined;
    }
  }

  all(): Finding[] {
    return [...this.#byMessage.values()];
  }

  #add(severity: Finding["severity"], kind: Finding["kind"], message: string, remedy: string): void {
    this.#byMessage.set(message, { severity, kind, subject: LOCK_FILE, message, remedy, file: LOCK_FILE });
  }
}

/** Of another commit than the branch's own nobody says that it is the newest. */
async function isTip(context: Context, root: string, commit: string): Promise<boolean> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  return (await repository?.head())?.commit === commit;
}

/** The id that the configuration claims; one that cannot be read is somebody else's finding. */
function idOf(state: VaultState): string | undefined {
  try {
    return state.config.id;
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

function formatDiffering({ file, how }: DifferingFile): string {
  switch (how) {
    case "changed":
      return `${file} is not what the owner signed.`;
    case "added":
      return `${file} was added; the owner has not signed it.`;
    case "removed":
      return `${file} is missing; the owner has signed that it is there.`;
    case "unknown":
      return `What lies in ${file} is not what the owner signed; this clone does not hold the history to tell which file it is.`;
  }
}
