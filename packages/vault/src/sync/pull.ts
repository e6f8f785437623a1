import { dirname } from "node:path";
import type { Context } from "../context.js";
import { isVerificationError } from "../errors.js";
import { mayHaveRemote } from "../git/git-folders.js";
import type { Keys } from "../keys/find-key.js";
import { pullCache } from "./pull-cache.js";
import { formatReason, NOT_PULLED, type PullOutcome } from "./pull-outcome.js";

/** When a pull fetches, and whose keys say which owner to trust. */
export interface PullOptions {
  /** Fetch also where the last fetch is younger than the vault's `pull_interval`. */
  readonly always?: boolean;
  /** The identities that say who the vault's owner is; otherwise those in the usual places. */
  readonly keys?: Keys | undefined;
}

/**
 * Brings the vault's branch up to date with its upstream by a fast-forward, and in no other way: nothing is reset or merged, and a
 * vault with uncommitted changes is left alone. What prevents it is a warning, said once, since the local state can still be read.
 * What the upstream offers is verified before any of it reaches the work tree, and whether or not it will: that is an error.
 * Calls for the same vault while one is under way share it.
 * @param root absolute path of the vault's folder
 * @throws VaultError as `verifyUpstream`
 */
export function pull(context: Context, root: string, { always = false, keys }: PullOptions = {}): Promise<PullOutcome> {
  return pullCache.share(root, always, () => pullOrWarn(context, root, always, keys));
}

async function pullOrWarn(context: Context, root: string, always: boolean, keys: Keys | undefined): Promise<PullOutcome> {
  try {
    if (!mayHaveRemote(context, dirname(root))) return "no-remote";
    if (!always && pullCache.upToDate(context, root)) return "recent";
    const { fastForward } = await import("./fast-forward.js");
    const outcome = await fastForward(context, root, always, keys);
    if (outcome === "pulled" || outcome === "current") pullCache.forgetWarnings(root);
    return outcome;
  } catch (error) {
    if (isVerificationError(error)) throw error;
    return pullCache.warnOnce(context, root, "failed", `${NOT_PULLED}: ${formatReason(error)}`);
  }
}
