import { dirname } from "node:path";
import { accessDifference, type AccessDifference } from "../change/access-difference.js";
import { CommitFiles } from "../files/commit-files.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { GitRepository } from "../git/repository.js";
import { findKeys, type KeyChoice, type Keys } from "../keys/find-key.js";
import { pull, type PullOutcome } from "./pull.js";
import { pushCommand } from "../git/push-command.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { findUpstream, type Upstream } from "../trust/upstream.js";
import { VaultTrust } from "../trust/vault-trust.js";
import { VaultState } from "../files/vault-state.js";

export interface SyncOptions {
  readonly key?: KeyChoice;
  /** Bring what the remote has; `true` unless set. */
  readonly pull?: boolean;
  /** Bring the remote what is here; `true` unless set. */
  readonly push?: boolean;
}

export interface SyncResult {
  /** The remote's branch, such as `origin/main`. */
  readonly upstream: string;
  /** Commits that came from the remote, and that went there. */
  readonly pulled: number;
  readonly pushed: number;
  /** The state that lies here now. */
  readonly sequence: number;
}

/** Both sides of a vault that was changed in two places, each since the last state that they share. */
export interface Divergence {
  readonly here: AccessDifference;
  readonly there: AccessDifference;
}

/** A vault that was changed here and on the remote. */
export class DivergedError extends VaultError {
  readonly divergence: Divergence;

  constructor(upstream: string, divergence: Divergence) {
    super("CONFLICT", `The vault was changed here and on ${upstream}, and neither state follows the other.`, {
      remedy: `Take one side and make the other's change again: git reset --keep ${upstream} drops what was changed here.`,
    });
    this.divergence = divergence;
  }
}

/**
 * Brings the vault's branch and its upstream together: what the remote has is verified and taken over by a fast-forward, what is here
 * is verified and pushed. Nothing is ever reset, merged or forced.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` ({@link DivergedError} where both sides changed), `GIT_FAILED` where the remote cannot be reached or
 *   there is none, `REPOSITORY_BUSY`, and the codes of {@link VaultTrust}
 */
export async function sync(context: Context, root: string, options: SyncOptions = {}): Promise<SyncResult> {
  const repository = await GitRepository.find(context, dirname(root));
  const upstream = await findUpstream(repository);
  if (!upstream) throw await noUpstream(context, root);
  const keys = findKeys(context, { ...options.key, vaultId: () => vaultIdIn(new VaultFolder(root)) });

  const before = await repository.run(["rev-parse", "HEAD"]);
  if (options.pull ?? true) await pullOrFail(context, root, repository, upstream, keys);
  const pulled = await countCommits(repository, `${before.trim()}..HEAD`);

  const trust = new VaultTrust(context, root, keys);
  const files = new VaultState(await CommitFiles.read(repository, "HEAD", root));
  const signed = await trust.verifyPast(files);
  files.signed!.requireAll();
  let pushed = 0;
  if (options.push ?? true) {
    pushed = await push(repository, upstream);
    trust.rememberPushed(signed, upstream.id);
  }
  return { upstream: upstream.name, pulled, pushed, sequence: signed.lock.sequence };
}

async function pullOrFail(
  context: Context,
  root: string,
  repository: GitRepository,
  { name, tracking }: Upstream,
  keys: Keys | undefined,
): Promise<void> {
  const said: string[] = [];
  const outcome = await pull({ ...context, warn: (message) => said.push(message) }, root, { always: true, keys });
  const done: readonly PullOutcome[] = ["pulled", "current"];
  if (done.includes(outcome)) return said.forEach((message) => context.warn(message));
  if (outcome === "diverged") throw new DivergedError(name, await divergence(repository, root, tracking));
  if (outcome === "no-remote") throw await noUpstream(context, root);
  if (outcome === "unfinished") {
    throw new VaultError("REPOSITORY_BUSY", "This repository is in the middle of a merge or the like.", {
      remedy: "Finish it or give it up (git status says how), then run the command again.",
    });
  }
  const code = outcome === "dirty" || outcome === "refused" ? "CONFLICT" : "GIT_FAILED";
  throw new VaultError(code, said.at(-1) ?? `${name} could not be pulled.`, {
    remedy: "Put that right, then run the command again; nothing was changed.",
  });
}

/** @returns how many commits went to the remote */
async function push(repository: GitRepository, { remote, branch, tracking, name }: Upstream): Promise<number> {
  const ahead = await countCommits(repository, `${tracking}..HEAD`);
  if (ahead === 0) return 0;
  try {
    await repository.run(["push", "--quiet", "--no-recurse-submodules", remote, `HEAD:${branch}`]);
  } catch (error) {
    if (error instanceof VaultError && /non-fast-forward|fetch first|\[rejected\]/.test(error.message)) {
      throw new VaultError("CONFLICT", `${name} has moved on meanwhile, so nothing was pushed.`, {
        remedy: "Run agent-vault sync again.",
        cause: error,
      });
    }
    throw error;
  }
  return ahead;
}

async function divergence(repository: GitRepository, root: string, tracking: string): Promise<Divergence> {
  const base = (await repository.try(["merge-base", "HEAD", tracking]))?.trim();
  const at = async (revision: string) => new VaultState(await CommitFiles.read(repository, revision, root));
  const shared = base === undefined ? undefined : await at(base).catch(() => undefined);
  return { here: accessDifference(shared, await at("HEAD")), there: accessDifference(shared, await at(tracking)) };
}

async function countCommits(repository: GitRepository, range: string): Promise<number> {
  return Number((await repository.run(["rev-list", "--count", range])).trim());
}

async function noUpstream(context: Context, root: string): Promise<VaultError> {
  const command = await pushCommand(context, root);
  return new VaultError("GIT_FAILED", "The branch that is checked out follows no remote branch.", {
    remedy: command
      ? `Push it once: ${command}`
      : "Add a remote first: git remote add origin URL, then git push --set-upstream origin HEAD.",
  });
}
