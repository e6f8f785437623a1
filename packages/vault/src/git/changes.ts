import { createHash } from "node:crypto";
import type { GitRepository } from "./repository.js";

/** A file that differs between two commits. */
export interface FileChange {
  /** Relative to the folder that was asked for, with `/`. */
  readonly file: string;
  /** The id of its content before and after; `undefined` where there is none. */
  readonly oldId: string | undefined;
  readonly id: string | undefined;
}

/** What a commit changes in a folder. @param from the commit before; `undefined` for none */
export async function changesBetween(
  repository: GitRepository,
  folder: string,
  from: string | undefined,
  to: string,
): Promise<FileChange[]> {
  const base = from ?? (await repository.run(["hash-object", "-t", "tree", "--stdin"], { input: new Uint8Array() })).trim();
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--full-index", base, to, "--", `:(top,literal)${folder}`];
  const fields = (await repository.run(args)).split("\0");
  const present = (id: string) => (/^0+$/.test(id) ? undefined : id);
  return Array.from({ length: Math.floor(fields.length / 2) }, (_, index) => {
    const [, , oldId, id] = fields[2 * index]!.split(" ");
    return { file: fields[2 * index + 1]!.slice(folder.length + 1), oldId: present(oldId!), id: present(id!) };
  });
}

/** A file of the work tree that differs from the last commit. */
export interface UncommittedFile {
  /** Relative to the folder that was asked for, with `/`. */
  readonly file: string;
  /** It has a merge conflict that nobody has resolved. */
  readonly isConflicted: boolean;
}

/** The files of a folder that differ from the last commit, with those that git ignores. */
export async function uncommittedFiles(repository: GitRepository, folder: string): Promise<UncommittedFile[]> {
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=traditional"];
  const status = await repository.run([...args, "--", `:(top,literal)${folder}`]);
  return status.split("\0").flatMap((entry) => {
    const path = entry.slice(3);
    if (!path.startsWith(`${folder}/`)) return [];
    return [{ file: path.slice(folder.length + 1), isConflicted: /^(?:U.|.U|AA|DD)$/.test(entry.slice(0, 2)) }];
  });
}

/** Whether files of a folder differ from the last commit, leaving out those that git ignores. @param folder relative to the work tree */
export async function isEdited(repository: GitRepository, folder: string): Promise<boolean> {
  return (await repository.run(["status", "--porcelain", "-z", "--", `:(top,literal)${folder}`])) !== "";
}

/** The id under which git would store these bytes; `undefined` for none. */
export function blobId(repository: GitRepository, bytes: Uint8Array | undefined): string | undefined {
  return bytes && createHash(repository.objectFormat).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
