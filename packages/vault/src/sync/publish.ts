import { countCommits } from "../git/refs.js";
import { pushCommit } from "../git/push-commit.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import { rememberPushed } from "../trust/remember.js";
import { requireFloor } from "../trust/require-floor.js";
import { readFetchRecord, writeFetchRecord } from "./fetch-record.js";
import type { SyncedClone } from "./synced-clone.js";

/**
 * Pushes a verified state to the ref that the branch follows, by the commit's id and the ref's full name, where it is at or after all that
 * was seen and made. What the remote has confirmed is remembered.
 * @param tip what the ref is at; absent where the remote has no such ref
 * @returns how many commits went to the remote
 * @throws VaultError `ROLLBACK`, GitError `nonFastForward`, `hookDeclined`, `protectedBranch`
 */
export async function publish(
  { context, root, repository, trust, followed }: SyncedClone,
  { commit: head, signed, state }: CommittedState,
  tip: string | undefined,
): Promise<number> {
  const commits = await countCommits(repository, tip === undefined ? head : `${tip}..${head}`);
  if (commits === 0 && tip !== head) return 0;
  requireFloor(trust, signed.lineage);
  const { remote, name, upstream } = followed;
  const place = { kind: "fetched", remote, ref: upstream.ref, commit: head, path: repository.pathOf(root) } as const;
  const record = readFetchRecord(root);
  const isHome = record?.upstream?.isHome ?? record?.home?.ref === upstream.ref;
  if (tip !== head) await pushCommit(repository, name, head, upstream.ref);
  rememberPushed(trust, signed.lineage, state, { ...place, isHome });
  if (record) {
    const pushed = { ref: upstream.ref, isHome, commit: head, lock: signed.digest };
    const now = context.now().getTime();
    writeFetchRecord(root, { ...record, fetchedAt: now, triedAt: now, upstream: pushed, ...(isHome && { home: pushed }) });
  }
  return commits;
}
