import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { Digest } from "../lock/digest.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";

/** All signed states of a vault that its repository holds, on whatever branch, by the digests of their locks. */
export class LockHistory {
  readonly #locks = new Map<Digest, SignedLock>();

  /** The states that HEAD has behind it, with the commits that hold them, newest first; and the one that it holds itself. */
  readonly head = { behind: new Map<Digest, string[]>(), state: undefined as Digest | undefined };

  /** Looks through every branch and HEAD; there is no history where there is no repository. */
  static async read(context: Context, root: string): Promise<LockHistory> {
    const history = new LockHistory();
    const repository = await GitRepository.findIfAny(context, dirname(root));
    if (!repository) return history;
    const paths = [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => `${repository.pathOf(root)}/${file}`);
    const list = async (...revisions: string[]) => {
      const args = ["rev-list", "--full-history", ...revisions, "--", ...paths.map((path) => `:(top,literal)${path}`)];
      return ((await repository.try(args)) ?? "").split("\n").filter(Boolean);
    };
    const [all, behind] = [await list("--all", "HEAD"), new Set(await list("HEAD"))];
    const files = await repository.contents([...all, "HEAD"].flatMap((commit) => paths.map((path) => `${commit}:${path}`)));
    for (const [index, commit] of [...all, "HEAD"].entries()) {
      const state = history.#add(files[2 * index], files[2 * index + 1]);
      if (state && behind.has(commit)) history.head.behind.set(state.digest, [...(history.head.behind.get(state.digest) ?? []), commit]);
      if (commit === "HEAD") history.head.state = state?.digest;
    }
    return history;
  }

  get size(): number {
    return this.#locks.size;
  }

  states(): SignedLock[] {
    return [...this.#locks.values()];
  }

  get(digest: Digest): SignedLock | undefined {
    return this.#locks.get(digest);
  }

  /**
   * Whether a state goes back, from one to the one before, to a state for which `isTrusted` holds, and each on the way was signed by
   * an owner whom the one before it names.
   */
  leadsBack(from: SignedLock, isTrusted: (state: SignedLock) => boolean): boolean {
    for (let state = from; state.lock.previous !== undefined;) {
      const before = this.#locks.get(state.lock.previous);
      if (!before || before.lock.vault !== from.lock.vault) return false;
      const { signer } = state;
      if (!before.lock.owners.some(({ key }) => key === signer)) return false;
      if (isTrusted(before)) return true;
      state = before;
    }
    return false;
  }

  #add(bytes: Uint8Array | undefined, signature: Uint8Array | undefined): SignedLock | undefined {
    const signed = tryOpen(bytes, signature);
    if (signed) this.#locks.set(signed.digest, signed);
    return signed;
  }
}

/**
 * A state that an owner has made of another one, from the history of a revision that holds the former again: somebody has committed
 * old files on top. Locks are read only where they replaced this one.
 * @param root the vault's folder
 */
export async function findSuccessor(
  repository: GitRepository,
  root: string,
  revision: string,
  signed: SignedLock,
): Promise<SignedLock | undefined> {
  const [lock, signature] = [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => `${repository.pathOf(root)}/${file}`);
  const id = (await repository.try(["rev-parse", "--verify", "--quiet", `${revision}:${lock}`]))?.trim();
  if (!id) return undefined;
  const args = [
    "log",
    "-m",
    "--full-history",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    "--format=%H",
    revision,
    "--",
    `:(top,literal)${lock}`,
  ];
  const replacing: string[] = [];
  let commit = "";
  for (const line of (await repository.run(args)).split("\n")) {
    if (/^[0-9a-f]+$/.test(line)) commit = line;
    else if (line.split(" ")[2] === id) replacing.push(commit);
  }
  const files = await repository.contents(replacing.flatMap((hash) => [`${hash}:${lock}`, `${hash}:${signature}`]));
  for (let index = 0; index < files.length; index += 2) {
    const next = tryOpen(files[index], files[index + 1]);
    if (next?.lock.previous === signed.digest && signed.lock.owners.some(({ key }) => key === next.signer)) return next;
  }
  return undefined;
}

/** The repository of a vault, or `undefined` where it has none: it can be read without. */
export async function repositoryOf(context: Context, root: string): Promise<GitRepository | undefined> {
  try {
    return await GitRepository.find(context, dirname(root));
  } catch (error) {
    if (error instanceof VaultError && /^(?:REPOSITORY_NOT_FOUND|GIT_MISSING)$/.test(error.code)) return undefined;
    throw error;
  }
}

/** History may hold anything that was ever pushed; what is no signed lock is no part of it. */
function tryOpen(bytes: Uint8Array | undefined, signature: Uint8Array | undefined): SignedLock | undefined {
  try {
    return bytes && signature && openLock(bytes, signature);
  } catch {
    return undefined;
  }
}
