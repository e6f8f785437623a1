import type { Context } from "../context.js";
import { runGitSync } from "./run-git-sync.js";

/** An object of git's store. */
export interface GitObject {
  readonly id: string;
  /** Such as `blob` and `commit`. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads objects in one process, for a caller that cannot wait (`git cat-file --batch`).
 * @param names of objects: ids, `REVISION`, `REVISION:PATH`
 * @param maxBytes gives up where all of them together are larger
 * @returns an object for each name, `undefined` where there is none
 * @throws GitError
 */
export function readObjectsSync(context: Context, folder: string, names: readonly string[], maxBytes?: number): (GitObject | undefined)[] {
  if (names.length === 0) return [];
  const input = Buffer.from(names.map((name) => `${name}\n`).join(""));
  const output = runGitSync(context, folder, ["cat-file", "--batch"], { input, maxBytes });
  let offset = 0;
  return names.map(() => {
    const end = output.indexOf("\n", offset);
    const [, id, type, size] = /^([0-9a-f]+) (\w+) (\d+)$/.exec(output.toString("latin1", offset, end)) ?? [];
    offset = end + 1;
    if (size === undefined) return undefined;
    const bytes = new Uint8Array(output.subarray(offset, offset + Number(size)));
    offset += Number(size) + 1;
    return { id: id!, type: type!, bytes };
  });
}

/** The contents of files (`REVISION:PATH`), `undefined` for each that is not there or is no file. @throws GitError as `readObjectsSync` */
export function readContentsSync(
  context: Context,
  folder: string,
  names: readonly string[],
  maxBytes?: number,
): (Uint8Array | undefined)[] {
  return readObjectsSync(context, folder, names, maxBytes).map((object) => (object?.type === "blob" ? object.bytes : undefined));
}
