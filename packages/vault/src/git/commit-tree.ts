import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { VaultError } from "../errors.js";
import { GitError } from "./errors.js";
import type { GitRepository } from "./repository.js";

/** Has git write to the disk itself what a commit consists of (git 2.36; older ones ignore it). */
export const DURABLE = ["-c", "core.fsync=objects,derived-metadata,reference", "-c", "core.fsyncMethod=batch"] as const;

/** The branch that git fast-import builds on, and that it is told to drop again before it would write it. */
export const SCRATCH_REF = "refs/agent-vault/scratch";

/** A commit as it is to be made: its parent, its message and the files of one folder that it changes. */
export interface NewCommit {
  /** The commit that it follows; `undefined` for the first one. */
  readonly parent: string | undefined;
  readonly message: string;
  /** The folder that all files are in, relative to the work tree, with `/`. */
  readonly folder: string;
  /** Whole new files by their paths in the folder; `null` removes one. Everything else is as in the parent. */
  readonly files: ReadonlyMap<string, Uint8Array | null>;
}

/**
 * Makes a commit without touching any branch, index or file. Its objects are on the disk when this returns.
 * @param warn takes a sentence for the person
 * @returns its id, or `undefined` where the parent holds all this already
 * @throws VaultError `SIGNING_FAILED`, `GIT_FAILED`, `DISK_FULL`, `UNWRITABLE`
 */
export async function commitTree(
  repository: GitRepository,
  commit: NewCommit,
  warn: (message: string) => void,
): Promise<string | undefined> {
  const { parent, message } = commit;
  const tree = await writeTree(repository, commit);
  if (parent && tree === (await repository.run(["rev-parse", `${parent}^{tree}`])).trim()) return undefined;
  return writeCommit(repository, { tree, parents: parent ? [parent] : [], message: `${message}\n` }, warn);
}

/** Who made a change. */
export interface Author {
  readonly name: string;
  readonly email: string;
  /** `@SECONDS ZONE`, such as `@0 +0100`. */
  readonly date: string;
}

/** A commit whose tree is there already. */
export interface CommitOfTree {
  readonly tree: string;
  readonly parents: readonly string[];
  /** With the newline at its end. */
  readonly message: string;
  /** The person, now, unless set. */
  readonly author?: Author;
}

/**
 * Makes a commit of a tree, signed where the person's configuration asks for that.
 * @param warn takes a sentence for the person
 * @throws VaultError as {@link commitTree}
 */
export async function writeCommit(
  repository: GitRepository,
  { tree, parents, message, author }: CommitOfTree,
  warn: (message: string) => void,
): Promise<string> {
  const sign = (await repository.try(["config", "--type=bool", "--get", "commit.gpgSign"]))?.trim() === "true";
  const args = [...DURABLE, "commit-tree", ...(sign ? ["-S"] : []), ...parents.flatMap((parent) => ["-p", parent]), tree];
  const env = {
    ...(await authorVariables(repository, warn)),
    ...(author && { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email, GIT_AUTHOR_DATE: author.date }),
  };
  try {
    return (await repository.run(args, { env, input: Buffer.from(message) })).trim();
  } catch (error) {
    if (!sign || !(error instanceof VaultError)) throw error;
    throw new VaultError("SIGNING_FAILED", `git could not sign the commit: ${error.message}`, {
      remedy: "Unlock the signing key, or switch commit.gpgSign off for this repository; nothing was changed.",
      cause: error,
    });
  }
}

/** Puts all new objects into git's store, as one pack, and gives the tree that the commit will have. */
export async function writeTree(repository: GitRepository, commit: NewCommit): Promise<string> {
  // Ciphertexts have no likeness that a search for deltas (--depth) could find.
  const args = [...DURABLE, "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", "--depth=0"];
  const input = importStream(commit, repository.objectFormat === "sha256" ? 64 : 40);
  const output = await repository.run([...args, "--date-format=raw", "--cat-blob-fd=1"], { input }).catch((error: unknown) => {
    removeCrashReport(repository, error);
    throw error;
  });
  const tree = /^040000 tree ([0-9a-f]+)\t/.exec(output)?.[1];
  if (tree) return tree;
  throw new VaultError("GIT_FAILED", "git fast-import did not name the tree that it made.", {
    remedy: "Run git fsck; nothing was changed.",
  });
}

/** What git fast-import reads: a commit on a branch that is dropped again, and the question for its tree. */
function importStream({ parent, folder, files }: NewCommit, idLength: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const say = (line: string) => parts.push(Buffer.from(`${line}\n`));
  say("feature done");
  say(`reset ${SCRATCH_REF}`);
  if (parent) say(`from ${parent}`);
  say(`\ncommit ${SCRATCH_REF}\nmark :1\ncommitter agent-vault <agent-vault> 0 +0000\ndata 0`);
  for (const [file, bytes] of files) {
    const path = `${folder}/${file}`;
    if (bytes) {
      say(`M 100644 inline ${quote(path)}\ndata ${bytes.length}`);
      parts.push(bytes);
      say("");
    } else say(`D ${quote(path)}`);
  }
  say(`\nls :1 ""\nreset ${SCRATCH_REF}\nfrom ${"0".repeat(idLength)}\n\ndone`);
  return Buffer.concat(parts);
}

/** A path as fast-import wants it: git's C-style quotes. */
function quote(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** What git fast-import leaves of a failure, such as a full disk; its error has been told. */
export function removeCrashReport(repository: GitRepository, error: unknown): void {
  const report = error instanceof GitError && /dumping crash report to (.+)$/m.exec(error.stderr)?.[1];
  if (report) rmSync(resolve(repository.workTree, report), { force: true });
}

/** Variables that name an author where the person's git has none. */
async function authorVariables(repository: GitRepository, warn: (message: string) => void): Promise<Record<string, string>> {
  if ((await repository.try(["var", "GIT_COMMITTER_IDENT"])) && (await repository.try(["var", "GIT_AUTHOR_IDENT"]))) return {};
  const last = await repository.try(["log", "-1", "--format=%ce", "HEAD"]);
  if (last?.trim() !== "agent-vault@localhost") warn("git knows no user.name and user.email here, so commits are made as agent-vault.");
  return {
    GIT_AUTHOR_NAME: "agent-vault",
    GIT_AUTHOR_EMAIL: "agent-vault@localhost",
    GIT_COMMITTER_NAME: "agent-vault",
    GIT_COMMITTER_EMAIL: "agent-vault@localhost",
  };
}
