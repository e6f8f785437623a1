import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Context } from "../context.js";
import { isSystemError } from "../errors.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE, STATES_FILE } from "../format/layout.js";
import { isAncestorSync } from "../git/ancestor-sync.js";
import { readContentsSync } from "../git/contents-sync.js";
import { Ancestry } from "../lock/ancestry.js";
import { MAX_LOCK_BYTES } from "../lock/lock.js";
import { tryOpenLock } from "../lock/open-lock.js";
import type { Lineage } from "./lineage.js";
import { eachOnce, statesOn, statesOnHome, type MadeState, type Memory, type SeenState } from "./memory.js";
import type { TrustContext } from "./trust-context.js";

/**
 * The newest states that are known to have been on a remote's ref: seen there, or made on this machine and pushed. A plain `git push` is
 * as good as ours: a state counts as pushed where the tracking ref of its clone holds it, and where its clone is gone.
 * @param lineage of the state that is compared with them: what it lists needs no answer
 */
export function statesKnownOn(
  { context }: TrustContext,
  lineage: Lineage,
  memory: Memory,
  { remote, ref, isHome }: { readonly remote: string; readonly ref: string; readonly isHome: boolean },
): readonly SeenState[] {
  const isFollowed = ({ follows }: MadeState) => follows?.remote === remote && follows.ref === ref;
  const isOpen = ({ lock }: MadeState) => lock !== lineage.signed.digest && !lineage.lists(lock);
  const pushed = memory.made.filter((made) => isFollowed(made) && isOpen(made) && isPushed(context, made));
  return eachOnce([...(isHome ? statesOnHome : statesOn)(memory, remote, ref), ...pushed]);
}

/** Whether a state that was made in a clone on this machine is known to have left it. */
export function isPushed(context: Context, made: MadeState): boolean {
  return !existsSync(made.clone) || isTracked(context, made) || (made.isPushed === true && wasTaken(context, made));
}

/**
 * Whether the remote took what the clone was about to push: git logs that for the tracking ref. What was fetched since may have moved the ref
 * to older commits again.
 */
function wasTaken(context: Context, { clone, folder, commit, follows }: MadeState): boolean {
  const log = follows && readLog(join(clone, "logs", follows.tracking));
  const pushed = [...(log ?? "").matchAll(/^[0-9a-f]+ ([0-9a-f]+) [^\t]*\tupdate by push$/gm)].map(([, tip]) => tip!);
  return pushed.slice(-MAX_LOGGED_PUSHES).some((tip) => tip === commit || isAncestorSync(context, dirname(folder), commit, tip));
}

/** How many of a branch's last pushes are looked at. */
const MAX_LOGGED_PUSHES = 5;

function readLog(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** A lock, a signature and a list of states are no larger. */
const MAX_TRACKED_BYTES = 4 * MAX_LOCK_BYTES;

/** Whether the clone's own note of the remote's branch holds the state, or one that lists it. */
function isTracked(context: Context, { folder, follows, lock }: MadeState): boolean {
  if (!follows || !existsSync(dirname(folder))) return follows !== undefined;
  const names = [LOCK_FILE, LOCK_SIGNATURE_FILE, STATES_FILE].map((file) => `${follows.tracking}:./${basename(folder)}/${file}`);
  const [bytes, signature, states] = readContentsSync(context, dirname(folder), names, MAX_TRACKED_BYTES);
  const tracked = tryOpenLock(bytes, signature);
  return tracked?.digest === lock || (tracked !== undefined && Ancestry.parse(states).has(lock));
}
