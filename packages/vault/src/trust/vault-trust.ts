import type { Context } from "../context.js";
import { isVerificationError, VaultError } from "../errors.js";
import { kindOf, type Finding, type FindingKind } from "../inspect/finding.js";
import type { Keys } from "../keys/find-key.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE, POLICY_FILE } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import { derivedKeys } from "../keys/signing-key.js";
import { anchorsOf, type Anchors } from "./anchors.js";
import type { LockHistory } from "./lock-history.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import { SignedFiles } from "../lock/signed-files.js";
import { badSignature, fingerprint, type SshPublicKey } from "../lock/ssh-signature.js";
import { TreeListCache } from "../lock/tree-list-cache.js";
import { readTrust, trustFile, writeTrust, type StateRef, type TrustRecord } from "./trust-store.js";

/** A higher leap than this is no count of changes: somebody wants later states to look old. */
export const MAX_SEQUENCE_STEP = 2 ** 32;

/** A state that was verified, and is remembered once all that was read of it has been found right. */
export interface TrustedState extends SignedLock {
  /** Whether nothing of this vault was remembered before. */
  readonly isFirst: boolean;
  /** Whether a newer state was seen before; such a state is read with a warning and never remembered. */
  readonly isOlder: boolean;
  /** Whether the newest state that was seen has a policy. */
  readonly isUnderPolicy: boolean;
  /** Refuses a state before the newest, where what was decided since must hold. @throws VaultError `ROLLBACK` */
  requireLatest(): void;
  remember(): void;
}

/** What can be said of a state without trusting it. */
export interface Assessment {
  readonly signed: SignedLock | undefined;
  readonly problems: readonly Finding[];
}

/** How the state that a remote offers is looked at. */
export interface RemoteOptions {
  /** With all its files, before any of it reaches the work tree. */
  readonly inFull: boolean;
  /** A state that an owner has made of this one, and that the same remote holds behind it. */
  readonly successor?: SignedLock | undefined;
}

/**
 * The order in which a vault is trusted, for every door: the signature, by a key that something outside the repository vouches for;
 * the vault's id; the sequence, against what this machine has seen; how long the state is valid; and from then on the digest of each
 * file, before it is parsed or decrypted. What was learnt is written down last.
 */
export class VaultTrust {
  readonly #context: Context;
  readonly #root: string;
  readonly #keys: Keys | undefined;
  #history: LockHistory | undefined;
  readonly #said = new Set<string>();
  #onWarning: (kind: FindingKind, message: string, remedy: string) => void;

  /**
   * @param root the vault's folder, for its repository's history
   * @param keys the identities at hand: an owner's vouches for itself, an agent's file names its owner
   */
  constructor(context: Context, root: string, keys: Keys | undefined) {
    this.#context = context;
    this.#root = root;
    this.#keys = keys;
    this.#onWarning = (_kind, message, remedy) => context.warn(`${message} ${remedy}`);
  }

  /**
   * Verifies the state that is in the work tree. From here on `files` gives out nothing that is not under the signature.
   * @returns `undefined` for a vault that nobody has signed, where nothing says that it should be
   * @throws VaultError `UNSIGNED`, `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`
   */
  async verify(files: VaultFiles): Promise<TrustedState | undefined> {
    const state = await this.#withHistory(() => this.#verify(files, true));
    if (state?.isFirst) await this.#requireLast(state);
    return state;
  }

  /**
   * As `verify`, at once. Where only the repository's history could tell whether a signature can be trusted, it is not.
   * @throws VaultError as `verify`
   */
  verifyNow(files: VaultFiles): TrustedState | undefined {
    return this.#verify(files, false);
  }

  #verify(files: VaultFiles, mayWait: boolean): TrustedState | undefined {
    const signed = this.#open(files);
    if (!signed) {
      this.#requireNeverSigned(files, mayWait);
      return undefined;
    }
    const { anchors, memory, isFirst } = this.#known(signed);
    this.#requireTrustedSigner(signed, anchors, memory, mayWait);
    const isOlder = memory !== undefined && this.#isOlder(signed, memory);
    this.#requireValid(signed);
    files.vouch(new SignedFiles(signed.lock, files.source, { lists: new TreeListCache(this.#context, signed.lock.vault) }));
    return {
      ...signed,
      isFirst,
      isOlder,
      isUnderPolicy: isOlder ? memory.policy === true : signed.lock.files.has(POLICY_FILE),
      requireLatest: () => {
        if (isOlder) throw outdated(signed, memory);
      },
      remember: () => (isOlder ? undefined : this.#remember(signed, anchors, memory)),
    };
  }

  /**
   * Verifies the state that an owner is about to change: as `verify`, and it must be signed and no older than what was seen on the
   * remote that its branch follows, since the next signature would bring an old state back for good.
   * @throws VaultError as `verify`
   */
  async verifyForChange(files: VaultFiles): Promise<TrustedState> {
    const state = await this.verify(files);
    if (!state) throw unsigned("Nobody has signed the state of this vault.");
    if (state.isOlder) await this.requireNewest(state);
    if (!state.isFirst) await this.#requireLast(state);
    return state;
  }

  /** Refuses a state on which the commit that is checked out has a later one behind it. @throws VaultError `ROLLBACK` */
  async #requireLast(signed: SignedLock): Promise<void> {
    const { findSuccessor, repositoryOf } = await import("./lock-history.js");
    const repository = await repositoryOf(this.#context, this.#root);
    const successor = repository && (await findSuccessor(repository, this.#root, "HEAD", signed));
    if (successor) throw rollback(signed, { sequence: successor.lock.sequence, lock: successor.digest });
  }

  /**
   * Refuses to go on from a state that is older than what a remote was seen to have.
   * @throws VaultError `ROLLBACK`
   */
  requireNewest(signed: SignedLock): Promise<void> {
    return this.#withHistory(() => {
      const { memory } = this.#known(signed);
      const newer = Object.values(memory?.remotes ?? {}).find(
        (state) => state.sequence > signed.lock.sequence && this.#compare(signed, state, memory!.owners) !== "newer",
      );
      if (!newer) return;
      throw new VaultError(
        "ROLLBACK",
        `This is state ${signed.lock.sequence} of the vault, and state ${newer.sequence} was seen on its remote: a change would undo what came since.`,
        {
          remedy:
            "Take the newest first: agent-vault sync. Where that brings nothing, somebody has brought an old state back; ask an owner.",
        },
      );
    });
  }

  /**
   * Verifies a state of the past: by its signature and its signer, whatever came after it.
   * @throws VaultError as `verify`
   */
  verifyPast(files: VaultFiles): Promise<SignedLock> {
    return this.#withHistory(() => {
      const signed = this.#open(files);
      if (!signed) throw unsigned("Nobody has signed this state of the vault.");
      const { anchors, memory } = this.#known(signed);
      this.#requireTrustedSigner(signed, anchors, memory);
      files.vouch(new SignedFiles(signed.lock, files.source));
      return signed;
    });
  }

  /**
   * Judges a state as `verify` does, and goes on after what is wrong with it: for a report. Nothing is vouched for, nothing remembered.
   * @param options.remote its URL and branch, where the state is what should lie there or be ahead of it
   * @param options.isPast what came after the state says nothing against it
   * @returns the state, where its signature is one, by whomever; and what speaks against it
   */
  assess(files: VaultFiles, { remote, isPast = false }: { remote?: string | undefined; isPast?: boolean } = {}): Promise<Assessment> {
    const problems = new Map<string, Finding>();
    const add = (severity: Finding["severity"], kind: FindingKind, message: string, remedy: string) =>
      problems.set(message, { severity, kind, subject: LOCK_FILE, message, remedy, file: LOCK_FILE });
    this.#onWarning = (kind, message, remedy) => add("warning", kind, message, remedy);
    const step = <T>(look: () => T): T | undefined => {
      try {
        return look();
      } catch (error) {
        if (error instanceof HistoryNeeded || !isVerificationError(error)) throw error;
        add("error", kindOf(error.code), error.message, error.remedy ?? "");
        return undefined;
      }
    };
    return this.#withHistory(() => {
      const signed = step(() => this.#open(files));
      if (!signed) {
        if (problems.size === 0) step(() => this.#requireNeverSigned(files, true));
        return { signed, problems: [...problems.values()] };
      }
      const known = step(() => this.#known(signed));
      const isTrusted = known && step(() => (this.#requireTrustedSigner(signed, known.anchors, known.memory), true));
      const { memory } = known ?? {};
      // What somebody else has counted says nothing of the owner's states.
      if (isTrusted && memory && !isPast) {
        const seen = remote === undefined ? undefined : memory.remotes[remote];
        const isBehind = seen && this.#compare(signed, seen, memory.owners) === "older";
        step(() => {
          if (isBehind) throw rollback(signed, seen);
          this.#isOlder(signed, memory);
        });
      }
      if (!isPast) step(() => this.#requireValid(signed));
      return { signed, problems: [...problems.values()] };
    });
  }

  /**
   * Verifies a state that a remote offers.
   * @param files of the remote's commit
   * @param remote its URL and branch
   * @param present the state in the work tree, which counts where its signer is trusted
   * @throws VaultError as `verify`, and `TAMPERED`
   */
  async verifyRemote(
    files: VaultFiles,
    remote: string,
    present: SignedLock | undefined,
    options: RemoteOptions,
  ): Promise<SignedLock | undefined> {
    return this.#withHistory(() => this.#verifyRemoteNow(files, remote, present, options));
  }

  #verifyRemoteNow(
    files: VaultFiles,
    remote: string,
    present: SignedLock | undefined,
    { inFull, successor }: RemoteOptions,
  ): SignedLock | undefined {
    const signed = this.#open(files);
    const local = present && this.#isTrusted(present) ? present : undefined;
    if (!signed) {
      if (local) throw unsigned("The remote offers a state of this vault that nobody has signed.");
      this.#requireNeverSigned(files, true);
      return undefined;
    }
    if (local && signed.lock.vault !== local.lock.vault) {
      throw new VaultError("WRONG_VAULT", `The remote offers the vault ${signed.lock.vault}, and this is the vault ${local.lock.vault}.`, {
        remedy: "Nothing was pulled. Find out who put another vault in its place.",
      });
    }
    const { anchors, memory } = this.#known(signed);
    this.#requireTrustedSigner(signed, anchors, memory);
    const seen = memory?.remotes[remote];
    if (memory && seen) this.#requireNoOlder(signed, seen, memory);
    // A fast-forward leads from the present state to a later one.
    if (memory && inFull && local?.digest === memory.lock) this.#requireNoOlder(signed, memory, memory);
    if (successor) throw rollback(signed, { sequence: successor.lock.sequence, lock: successor.digest });
    this.#requireValid(signed);
    if (inFull) new SignedFiles(signed.lock, files.source, { offered: true }).requireAll();
    this.#rememberRemote(signed, anchors, memory, remote);
    return signed;
  }

  /** Takes down that a state of the vault lies on a remote: it was just pushed there. */
  rememberPushed(signed: SignedLock, remote: string): void {
    const { anchors, memory } = this.#known(signed);
    this.#rememberRemote(signed, anchors, memory, remote);
  }

  /** Takes down a state that an owner has just made. */
  rememberMade(signed: SignedLock): void {
    const { anchors, memory } = this.#known(signed);
    this.#remember(signed, anchors, memory);
  }

  /** The highest sequence that this machine knows of, but for a count that was driven up and has started anew with a new key. */
  highestSequence(signed: SignedLock): number {
    const { sequence } = signed.lock;
    const seen = this.#known(signed).memory?.sequence ?? 0;
    return seen > MAX_SEQUENCE_STEP && sequence <= MAX_SEQUENCE_STEP ? sequence : Math.max(sequence, seen);
  }

  #open(files: VaultFiles): SignedLock | undefined {
    const bytes = files.read(LOCK_FILE);
    const signature = files.read(LOCK_SIGNATURE_FILE);
    if (!bytes) return undefined;
    if (!signature) throw badSignature("vault.lock.sig is missing");
    return openLock(bytes, signature);
  }

  /** What this machine knows of the vault. What was first seen on its word alone counts for nothing beside a real anchor. */
  #known({ lock }: SignedLock): { anchors: Anchors; memory: TrustRecord | undefined; isFirst: boolean } {
    const anchors = anchorsOf(this.#context, this.#keys, lock);
    const memory = readTrust(this.#context, lock.vault);
    const vouches = (keys: readonly SshPublicKey[]) => anchors.keys.some((key) => keys.includes(key));
    const usable = memory && (anchors.keys.length === 0 || vouches(memory.pinned) || (memory.pinned.length > 0 && vouches(memory.owners)));
    if (usable) return { anchors, memory, isFirst: false };
    const { seen } = anchors;
    return { anchors, memory: seen && { ...seen, pinned: [], owners: anchors.keys, remotes: {} }, isFirst: true };
  }

  #isTrusted(signed: SignedLock): boolean {
    try {
      const { anchors, memory } = this.#known(signed);
      if (!memory && anchors.keys.length === 0) return false;
      this.#requireTrustedSigner(signed, anchors, memory);
      return true;
    } catch (error) {
      if (isVerificationError(error) && !(error instanceof HistoryNeeded)) return false;
      throw error;
    }
  }

  /**
   * What is taken on its word must not come in the place of a vault that is known, nor of states that the key at hand has signed.
   * @throws VaultError `WRONG_VAULT`, `UNTRUSTED_SIGNER`
   */
  #requireNothingKnown(signed: SignedLock, history: LockHistory): void {
    const { lock } = signed;
    const own = derivedKeys(this.#keys, lock.vault);
    const isOwn = ({ signer }: SignedLock) => own.includes(signer);
    if (history.states().some(isOwn) && !history.leadsBack(signed, isOwn)) throw untrustedSigner(signed, this.#keys!.source);
    const known = history.states().find((state) => state.lock.vault !== lock.vault && readTrust(this.#context, state.lock.vault))
      ?.lock.vault;
    if (known === undefined) return;
    throw new VaultError("WRONG_VAULT", `This is the vault ${lock.vault}, and the vault ${known} was here before.`, {
      remedy: "Do not use it. Find out who put another vault in its place.",
    });
  }

  #requireTrustedSigner(signed: SignedLock, anchors: Anchors, memory: TrustRecord | undefined, mayWait = true): void {
    if (memory) {
      if (memory.lock === signed.digest || memory.owners.includes(signed.signer)) return;
      const history = this.#requireHistory();
      if (history.leadsBack(signed, ({ digest }) => digest === memory.lock)) return;
      const remembered = history.get(memory.lock);
      if (remembered && history.leadsBack(remembered, ({ digest }) => digest === signed.digest)) return;
      throw untrustedSigner(signed, trustFile(this.#context, signed.lock.vault));
    }
    if (anchors.keys.length === 0) {
      const history = mayWait ? this.#requireHistory() : this.#history;
      if (history) this.#requireNothingKnown(signed, history);
      const names = signed.lock.owners.filter(({ key }) => key === signed.signer).map(({ name }) => name);
      this.#warn(
        "signer-unknown",
        `Nothing is known yet of who may sign this vault; ${names[0] ?? "somebody"} (${fingerprint(signed.signer)}) did, and is taken at their word.`,
        "Compare that with an owner, or set AGENT_VAULT_OWNER.",
      );
      return;
    }
    if (anchors.keys.includes(signed.signer)) return;
    const history = this.#requireHistory();
    if (!history.leadsBack(signed, ({ signer }) => anchors.keys.includes(signer))) throw untrustedSigner(signed, anchors.source);
  }

  /** Whether the work tree holds a state before the newest one that was seen, because the person wants to see it. */
  #isOlder(signed: SignedLock, memory: TrustRecord): boolean {
    const order = this.#compare(signed, memory, memory.owners);
    if (order === "same" || order === "newer") return false;
    if (order === "jump") throw jumped(signed, memory);
    if (order === "fork") {
      if (!this.#isOwnState(signed)) throw forked(signed);
      this.#warn(
        "forked",
        `Another clone of yours has made another state ${signed.lock.sequence} of this vault.`,
        "Bring them together before you push.",
      );
      return false;
    }
    if (this.#isStrict() || this.#wasRolledBack(signed, memory)) throw rollback(signed, memory);
    this.#warn(
      "rollback",
      `This is state ${signed.lock.sequence} of the vault, and state ${memory.sequence} was seen before: what was revoked or replaced since is undone here.`,
      "Go back to the newest one when you are done here.",
    );
    return true;
  }

  #requireNoOlder(signed: SignedLock, seen: StateRef, { owners }: TrustRecord): void {
    const order = this.#compare(signed, seen, owners);
    if (order === "older") throw rollback(signed, seen);
    if (order === "fork") throw forked(signed);
    if (order === "jump") throw jumped(signed, seen);
  }

  /** @param owners who may sign what follows the newest state that was seen */
  #compare(signed: SignedLock, seen: StateRef, owners: readonly SshPublicKey[]): "same" | "newer" | "older" | "fork" | "jump" {
    if (signed.digest === seen.lock) return "same";
    const step = signed.lock.sequence - seen.sequence;
    if (step > MAX_SEQUENCE_STEP) return "jump";
    if (step > 0 && owners.includes(signed.signer)) return "newer";
    // A count starts anew where a signing key was replaced, and then the states themselves say which came first.
    if (this.#requireHistory().leadsBack(signed, ({ digest }) => digest === seen.lock)) return "newer";
    return step === 0 ? "fork" : "older";
  }

  /** Whether the commit that is checked out has the newer state behind it, and so takes it back. */
  #wasRolledBack(signed: SignedLock, memory: TrustRecord): boolean {
    const { head } = this.#requireHistory();
    return head.behind.has(memory.lock) && head.state === signed.digest;
  }

  /** Whether the person at the machine has signed a state, in whatever clone. */
  #isOwnState({ lock, signer }: SignedLock): boolean {
    return derivedKeys(this.#keys, lock.vault).includes(signer);
  }

  #requireValid({ lock }: SignedLock): void {
    const { validUntil } = lock;
    if (!validUntil || validUntil > this.#context.now()) return;
    const error = new VaultError("EXPIRED_STATE", `The state of this vault was valid until ${validUntil.toISOString().slice(0, 16)}Z.`, {
      remedy: "Somebody may be holding newer ones back. Pull; an owner signs it anew with agent-vault sign --renew.",
    });
    if (this.#isStrict()) throw error;
    this.#warn("expired-state", error.message, error.remedy!);
  }

  #isStrict(): boolean {
    const set = (name: string) => /^(?:1|true)$/i.test(this.#context.env[name] ?? "");
    return this.#context.env["AGENT_VAULT_STRICT"] === undefined ? set("CI") : set("AGENT_VAULT_STRICT");
  }

  /** A vault of agent-vault 0.1 has no signature. One that had, or whose owner is known, must have one. */
  #requireNeverSigned(files: VaultFiles, mayWait: boolean): void {
    const id = claimedId(files);
    const isAnchored =
      (id !== undefined && readTrust(this.#context, id) !== undefined) ||
      Boolean(this.#context.env["AGENT_VAULT_OWNER"]) ||
      (this.#keys !== undefined && (this.#keys.isOwners || this.#keys.comments.owners.length > 0));
    if (isAnchored) throw unsigned("Nobody has signed the state of this vault.");
    const history = mayWait ? this.#requireHistory() : this.#history;
    if (history && history.size > 0) throw unsigned("The signature of this vault's state was taken away.");
    this.#warn(
      "unsigned",
      "Nobody has signed the state of this vault, so whoever can push can change it.",
      "Its owner signs it with agent-vault sign.",
    );
  }

  #remember(signed: SignedLock, anchors: Anchors, memory: TrustRecord | undefined): void {
    if (memory?.lock === signed.digest && anchors.keys.every((key) => memory.pinned.includes(key))) return;
    writeTrust(this.#context, signed.lock.vault, { ...this.#learnt(signed, anchors, memory), remotes: memory?.remotes ?? {} });
  }

  /** What was seen on a remote is remembered for that remote; the newest state of all is the one that was read from the work tree. */
  #rememberRemote(signed: SignedLock, anchors: Anchors, memory: TrustRecord | undefined, remote: string): void {
    const state: StateRef = { sequence: signed.lock.sequence, lock: signed.digest };
    if (memory?.remotes[remote]?.lock === state.lock) return;
    const known = memory ? { ...memory, pinned: pinnedBy(anchors, memory) } : this.#learnt(signed, anchors, memory);
    writeTrust(this.#context, signed.lock.vault, { ...known, remotes: { ...memory?.remotes, [remote]: state } });
  }

  #learnt({ lock, digest }: SignedLock, anchors: Anchors, memory: TrustRecord | undefined): Omit<TrustRecord, "remotes"> {
    return {
      pinned: pinnedBy(anchors, memory),
      owners: lock.owners.map(({ key }) => key),
      policy: lock.files.has(POLICY_FILE),
      sequence: lock.sequence,
      lock: digest,
    };
  }

  /** Looks again with the repository's history at hand where it turns out to be needed, which is seldom. */
  async #withHistory<T>(look: () => T): Promise<T> {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof HistoryNeeded)) throw error;
    }
    const { LockHistory } = await import("./lock-history.js");
    this.#history = await LockHistory.read(this.#context, this.#root);
    return look();
  }

  #requireHistory(): LockHistory {
    if (this.#history) return this.#history;
    throw new HistoryNeeded();
  }

  /** A look that has to be taken twice says everything once. */
  #warn(kind: FindingKind, message: string, remedy: string): void {
    if (!this.#said.has(message)) this.#onWarning(kind, message, remedy);
    this.#said.add(message);
  }
}

function pinnedBy(anchors: Anchors, memory: TrustRecord | undefined): SshPublicKey[] {
  return [...new Set([...(memory?.pinned ?? []), ...anchors.keys])];
}

/** The id that an unsigned vault says it has, to look up whether it was signed once. */
function claimedId(files: VaultFiles): string | undefined {
  const config = files.read(CONFIG_FILE);
  return config && /^id: *["']?([0-9A-Za-z-]{8,64})\b/m.exec(Buffer.from(config).toString("latin1"))?.[1];
}

/** Only the repository's history can tell. */
class HistoryNeeded extends VaultError {
  constructor() {
    super("UNTRUSTED_SIGNER", "Only the history of this vault can tell whether its state is to be trusted, and it was not read yet.", {
      remedy: "Run agent-vault verify, or in a program await pull() first.",
    });
  }
}

export function unsigned(message: string): VaultError {
  return new VaultError("UNSIGNED", message, {
    remedy: "Do not use it before its owner has looked at it; an owner sees with agent-vault sign what would be vouched for.",
  });
}

function untrustedSigner({ signer }: SignedLock, source: string): VaultError {
  return new VaultError(
    "UNTRUSTED_SIGNER",
    `The state of this vault was signed by ${fingerprint(signer)}, for whom nothing in ${source} vouches.`,
    {
      remedy:
        "Do not use it. If an owner's key was replaced, fetch the whole history (git fetch --unshallow), or have an owner confirm the new key.",
    },
  );
}

function rollback({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("ROLLBACK", `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was there before it.`, {
    remedy: "Somebody has brought an old state back, with whatever was revoked since. Nothing was taken over; ask an owner.",
  });
}

function outdated({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was seen before, whose policy decides.`,
    { remedy: "Use the newest one: agent-vault -C its folder. With run --cwd the command itself runs elsewhere." },
  );
}

function forked({ lock }: SignedLock): VaultError {
  return new VaultError("FORKED", `There are two states ${lock.sequence} of this vault, and this is not the one that was seen before.`, {
    remedy: "Nothing was taken over. Ask an owner which is right.",
  });
}

function jumped({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("FORKED", `State ${lock.sequence} does not follow state ${seen.sequence}: no vault changes that often.`, {
    remedy:
      "Nothing was taken over. Somebody with an owner's key wants later states to look old; an owner should run agent-vault rotate-owner.",
  });
}
