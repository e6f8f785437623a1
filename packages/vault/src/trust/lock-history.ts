import { basename, dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { maxBytesOf } from "../files/limits.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { isGitError } from "../git/errors.js";
import { readContentsSync } from "../git/objects-sync.js";
import { runGitSync } from "../git/run-git-sync.js";
import type { Digest } from "../lock/digest.js";
import type { Lock } from "../lock/lock.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import { commitsReplacing, lockFilesOf, newerStateAmong, replacementsOf } from "./newer-state.js";

/** What HEAD holds of a vault's states. */
interface StatesOfHead {
  /** The states in the commits behind HEAD, each with those commits, the newest first. */
  readonly behind: ReadonlyMap<Digest, readonly string[]>;
  /** The state in HEAD itself. */
  readonly state: Digest | undefined;
}

interface States {
  /** Of all branches, by the digests of their locks. */
  readonly locks: ReadonlyMap<Digest, SignedLock>;
  /** The commits with each of them, the newest first. */
  readonly commits: ReadonlyMap<Digest, readonly string[]>;
  readonly head: StatesOfHead;
}

/**
 * All signed states of a vault that its repository holds, on whatever branch. Only the rare vault needs it, such as one whose signing
 * key was replaced, so git is asked when the first question comes, once, and waited for.
 */
export class LockHistory {
  readonly #context: Context;
  readonly #root: string;
  #states: States | undefined;

  /** @param root the vault's folder. There is no history where it is in no repository, or where there is no git. */
  constructor(context: Context, root: string) {
    this.#context = context;
    this.#root = root;
  }

  /** @throws VaultError `GIT_FAILED`, as all that reads the history */
  states(): SignedLock[] {
    return [...this.#read().locks.values()];
  }

  get(digest: Digest): SignedLock | undefined {
    return this.#read().locks.get(digest);
  }

  /** The commits of all branches, and of what was fetched, that changed the vault to a state; without one, those that a branch was at before. */
  commitsWith(digest: Digest): readonly string[] {
    return this.#read().commits.get(digest) ?? this.#droppedCommitsWith(digest);
  }

  get head(): StatesOfHead {
    return this.#read().head;
  }

  /**
   * Whether a state goes back, from one to one of those before, to a state for which `isTrusted` holds, and each on the way was signed
   * by an owner whom all before it name that are here: a merge takes nobody back whom one of its parents has removed.
   */
  leadsBack(from: SignedLock, isTrusted: (state: SignedLock) => boolean): boolean {
    const looked = new Set<Digest>();
    const states = [from];
    for (let state = states.pop(); state; state = states.pop()) {
      const { lock, signer } = state;
      const parents = lock.previous.flatMap((digest) => this.get(digest) ?? []);
      if (!parents.every((parent) => parent.lock.vault === from.lock.vault && this.isOwnerIn(parent.lock, signer))) continue;
      if (parents.some(isTrusted)) return true;
      for (const parent of parents) {
        if (!looked.has(parent.digest)) states.push(parent);
        looked.add(parent.digest);
      }
    }
    return false;
  }

  /** Whether a key is an owner's in a state, or the one by which an owner of it has replaced theirs since, with the former key's signature. */
  isOwnerIn({ vault, owners }: Lock, key: SshPublicKey): boolean {
    if (owners.some((owner) => owner.key === key)) return true;
    return this.states().some(({ lock, signer }) => {
      const name = lock.vault === vault ? lock.owners.find((owner) => owner.key === key)?.name : undefined;
      return name !== undefined && owners.some((owner) => owner.name === name && owner.key === signer);
    });
  }

  /** A state that an owner made of this one and that a commit has behind it: somebody has committed the older files on top. */
  findNewerState(signed: SignedLock, revision = "HEAD"): SignedLock | undefined {
    const folder = this.#folder();
    if (folder === undefined) return undefined;
    const { blobArgs, logArgs } = replacementsOf(revision, folder);
    const blob = this.#try(blobArgs)?.toString().trim();
    if (!blob) return undefined;
    const commits = commitsReplacing(blob, this.#git(logArgs).toString());
    return newerStateAmong(this.#locksIn(commits, folder), signed);
  }

  /** Has git asked again, for what was fetched or made since. */
  forget(): void {
    this.#states = undefined;
  }

  #read(): States {
    return (this.#states ??= this.#readStates());
  }

  #readStates(): States {
    const locks = new Map<Digest, SignedLock>();
    const commitsWith = new Map<Digest, string[]>();
    const behind = new Map<Digest, string[]>();
    const folder = this.#folder();
    if (folder === undefined) return { locks, commits: commitsWith, head: { behind, state: undefined } };
    const commits = this.#commitsWithLock(folder, "--all", "HEAD");
    const behindHead = new Set(this.#commitsWithLock(folder, "HEAD"));
    const [headState, ...states] = this.#locksIn(["HEAD", ...commits], folder);
    for (const [index, state] of states.entries()) {
      if (!state) continue;
      locks.set(state.digest, state);
      const commit = commits[index]!;
      commitsWith.set(state.digest, [...(commitsWith.get(state.digest) ?? []), commit]);
      if (behindHead.has(commit)) behind.set(state.digest, [...(behind.get(state.digest) ?? []), commit]);
    }
    if (headState) locks.set(headState.digest, headState);
    return { locks, commits: commitsWith, head: { behind, state: headState?.digest } };
  }

  #droppedCommitsWith(digest: Digest): string[] {
    const folder = this.#folder();
    const commits = folder === undefined ? [] : this.#commitsWithLock(folder, "--reflog");
    const states = this.#locksIn(commits, folder ?? "");
    return commits.filter((_, index) => states[index]?.digest === digest);
  }

  #commitsWithLock(folder: string, ...revisions: string[]): string[] {
    const paths = [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => `:(top,literal)${folder}/${file}`);
    const list = this.#try(["rev-list", "--full-history", ...revisions, "--", ...paths]);
    return list?.toString().split("\n").filter(Boolean) ?? [];
  }

  #locksIn(commits: readonly string[], folder: string): (SignedLock | undefined)[] {
    const names = commits.flatMap((commit) => lockFilesOf(commit, folder));
    const blobs = this.#contents(names);
    return commits.map((_, index) => tryOpenLock(blobs[2 * index], blobs[2 * index + 1]));
  }

  /** The contents of files in commits (`REVISION:PATH`), `undefined` for each that is not there or is larger than a lock. */
  #contents(names: readonly string[]): (Uint8Array | undefined)[] {
    return readContentsSync((args, options) => runGitSync(this.#context, dirname(this.#root), args, options), names, maxBytesOf(LOCK_FILE));
  }

  /** The vault's folder as git names it: relative to the work tree, with `/`; `undefined` where there is no repository or no git. */
  #folder(): string | undefined {
    try {
      const output = this.#git(["rev-parse", "--show-toplevel", "--show-prefix"]).toString();
      return `${output.split("\n")[1]!}${basename(this.#root)}`;
    } catch (error) {
      if (isGitError(error, "notARepository", "missing")) return undefined;
      throw error;
    }
  }

  #git(args: readonly string[]): Buffer {
    return runGitSync(this.#context, dirname(this.#root), args);
  }

  /** As `#git`, but `undefined` where git refuses. */
  #try(args: readonly string[]): Buffer | undefined {
    try {
      return this.#git(args);
    } catch (error) {
      if (error instanceof VaultError && error.code === "GIT_FAILED") return undefined;
      throw error;
    }
  }
}
