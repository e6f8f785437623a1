import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { isGitError } from "../git/errors.js";
import { countCommits } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { divergence, DivergedError } from "./divergence.js";
import { pull } from "./pull.js";
import { pushCommand } from "./push-command.js";
import { findUpstream, type Upstream } from "../trust/upstream.js";
import { recordOnRemote } from "../trust/known.js";
import { TrustContext } from "../trust/trust-context.js";
import { readTrustedState } from "../trust/newest-trusted-state.js";

/** Which directions a sync takes, and the key that says which owner to trust; both directions unless set. */
export interface SyncOptions {
  readonly key?: KeyChoice;
  /** Bring what the remote has; `true` unless set. */
  readonly pull?: boolean;
  /** Bring the remote what is here; `true` unless set. */
  readonly push?: boolean;
}

/** What a sync brought and sent, in commits, and the state that the vault is in after it. */
export interface SyncResult {
  /** The remote's branch, such as `origin/main`. */
  readonly upstream: string;
  /** Commits that came from the remote, and that went there. */
  readonly pulled: number;
  readonly pushed: number;
  /** The state that lies here now. */
  readonly sequence: number;
}

/**
 * Brings the vault's branch and its upstream together: what the remote has is verified and taken over by a fast-forward, what is here
 * is verified and pushed. Nothing is ever reset, merged or forced.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` ({@link DivergedError} where both sides changed), `GIT_FAILED` where the remote cannot be reached or
 *   there is none, `REPOSITORY_BUSY`, and as `openVault`
 */
export async function sync(context: Context, root: string, options: SyncOptions = {}): Promise<SyncResult> {
  const repository = await GitRepository.find(context, dirname(root));
  const upstream = await findUpstream(repository);
  if (!upstream) throw await noUpstream(context, root);
  const keys = findVaultKeys(context, root, options.key);

  const before = await repository.run(["rev-parse", "HEAD"]);
  if (options.pull ?? true) await pullOrFail(context, root, repository, upstream, keys);
  const pulled = await countCommits(repository, `${before.trim()}..HEAD`);

  const trust = new TrustContext(context, root, keys);
  const { signed } = await readTrustedState(trust, repository, "HEAD");
  let pushed = 0;
  if (options.push ?? true) {
    pushed = await push(repository, upstream);
    recordOnRemote(trust, signed, upstream.id);
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
  const warnings: string[] = [];
  const outcome = await pull({ ...context, warn: (message) => warnings.push(message) }, root, { always: true, keys });
  switch (outcome) {
    case "pulled":
    case "current":
      for (const warning of warnings) context.warn(warning);
      return;
    case "diverged":
      throw new DivergedError(name, await divergence(repository, root, tracking));
    case "no-remote":
      throw await noUpstream(context, root);
    case "unfinished":
      throw new VaultError("REPOSITORY_BUSY", "This repository is in the middle of a merge or the like.", {
        remedy: "Finish it or give it up (git status says how), then run the command again.",
      });
    case "dirty":
    case "refused":
    case "offline":
    case "recent":
    case "failed": {
      const code = outcome === "dirty" || outcome === "refused" ? "CONFLICT" : "GIT_FAILED";
      throw new VaultError(code, warnings.at(-1) ?? `${name} could not be pulled.`, {
        remedy: "Fix the problem above, then run the command again; nothing was changed.",
      });
    }
  }
}

/** @returns how many commits went to the remote */
async function push(repository: GitRepository, { remote, branch, tracking, name }: Upstream): Promise<number> {
  const ahead = await countCommits(repository, `${tracking}..HEAD`);
  if (ahead === 0) return 0;
  try {
    await repository.run(["push", "--quiet", "--no-recurse-submodules", remote, `HEAD:${branch}`]);
  } catch (error) {
    if (isGitError(error, "nonFastForward")) {
      throw new VaultError("CONFLICT", `${name} has moved on meanwhile, so nothing was pushed.`, {
        remedy: "Run agent-vault sync again.",
        cause: error,
      });
    }
    throw error;
  }
  return ahead;
}

async function noUpstream(context: Context, root: string): Promise<VaultError> {
  const command = await pushCommand(context, root);
  return new VaultError("GIT_FAILED", "The branch that is checked out follows no remote branch.", {
    remedy: command
      ? `Push it once: ${command}`
      : "Add a remote first: git remote add origin URL, then git push --set-upstream origin HEAD.",
  });
}
