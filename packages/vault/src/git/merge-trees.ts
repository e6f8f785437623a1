import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_HOOKS } from "./environment.js";
import { gitFailed } from "./errors.js";
import type { GitRepository } from "./repository.js";
import type { GitOutput } from "./run-git.js";

/** The tree in which two commits come together, or the files that they both changed in ways that do not fit. */
export type Merged = { readonly tree: string } | { readonly conflicts: readonly string[] };

/** Joins two commits. @param bases what both go back to */
export type MergeTrees = (ours: string, theirs: string, bases: readonly string[]) => Promise<Merged>;

/**
 * Has commits joined where nothing of the person's is in reach: their work tree and index stay as they are, and no hook, filter or merge
 * driver runs. Where a file's attributes name a driver of the person's and both sides changed it, it is a conflict.
 * @param paths of the files that differ, whose attributes count
 */
export async function withMerge<T>(
  repository: GitRepository,
  paths: readonly string[],
  use: (merge: MergeTrees) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "agent-vault-"));
  try {
    writeFileSync(join(folder, "attributes"), await mergeAttributes(repository, paths));
    const git = gitIn(repository, folder, [
      ...(await withoutPrograms(repository)),
      "-c",
      `core.attributesFile=${join(folder, "attributes")}`,
    ]);
    return await use(async (ours, theirs, bases) => {
      resetWorkTree(folder);
      return (await mergeInObjects(git, ours, theirs)) ?? mergeInWorkTree(git, ours, theirs, bases);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs git beside the person's work tree and index. @param failing exit codes that are answers */
type Git = (args: readonly string[], failing?: readonly number[]) => Promise<GitOutput>;

function gitIn(repository: GitRepository, folder: string, config: readonly string[]): Git {
  const workTree = join(folder, "tree");
  const extra = {
    GIT_DIR: repository.gitDir,
    GIT_WORK_TREE: workTree,
    GIT_INDEX_FILE: join(folder, "index"),
    GIT_ATTR_NOSYSTEM: "1",
  };
  return async (args, failing = []) => {
    // Attributes are looked for where git runs.
    const output = await repository.output(["-C", workTree, ...config, ...args], { extra });
    if (output.exit === 0 || failing.includes(output.exit as number)) return output;
    throw gitFailed({ args, exit: output.exit, stderr: output.stderr });
  };
}

function resetWorkTree(folder: string): void {
  rmSync(join(folder, "tree"), { recursive: true, force: true });
  rmSync(join(folder, "index"), { force: true });
  mkdirSync(join(folder, "tree"));
}

/** @returns `undefined` where git (before 2.38) does not know how */
async function mergeInObjects(git: Git, ours: string, theirs: string): Promise<Merged | undefined> {
  const args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs];
  const { exit, stdout, stderr } = await git(args, [1, 129]);
  if (exit === 129 && /^usage: git merge-tree/m.test(stderr)) return undefined;
  if (exit === 129) throw gitFailed({ args, exit, stderr });
  const [tree, ...conflicts] = stdout.toString("utf8").split("\0");
  return exit === 0 ? { tree: tree!.trim() } : { conflicts: distinct(conflicts) };
}

async function mergeInWorkTree(git: Git, ours: string, theirs: string, bases: readonly string[]): Promise<Merged> {
  await git(["read-tree", ours]);
  const { exit } = await git(["merge-recursive", ...bases, "--", ours, theirs], [1]);
  if (exit === 0) return { tree: (await git(["write-tree"])).stdout.toString("latin1").trim() };
  const unmerged = (await git(["ls-files", "--unmerged", "-z"])).stdout.toString("utf8").split("\0");
  return { conflicts: distinct(unmerged.map((line) => line.slice(line.indexOf("\t") + 1))) };
}

function distinct(paths: readonly string[]): string[] {
  return [...new Set(paths)].filter(Boolean).toSorted();
}

/** Settings that keep git from starting programs that the person's configuration or attributes name. */
async function withoutPrograms(repository: GitRepository): Promise<string[]> {
  const pattern = String.raw`^(merge\..*\.driver|filter\..*\.(clean|smudge|process|required))$`;
  const names = ((await repository.try(["config", "--name-only", "-z", "--get-regexp", pattern])) ?? "").split("\0").filter(Boolean);
  // A driver that fails leaves a conflict; an empty filter gives the bytes as they are.
  const offValue = (name: string) => (name.startsWith("merge.") ? "false" : name.endsWith(".required") ? "false" : "");
  const settings = [
    ...[...new Set(names)].map((name) => `${name}=${offValue(name)}`),
    "merge.default=text",
    "merge.renormalize=false",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.fsmonitor=false",
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "submodule.recurse=false",
  ];
  return [...NO_HOOKS, ...settings.flatMap((setting) => ["-c", setting])];
}

/** How files are merged by the person's attributes, as lines of an attributes file: as text, by union, or not by git. */
async function mergeAttributes(repository: GitRepository, paths: readonly string[]): Promise<string> {
  if (paths.length === 0) return "";
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(""));
  const fields = (await repository.run(["check-attr", "-z", "--stdin", "merge"], { input })).split("\0");
  return Array.from({ length: Math.floor(fields.length / 3) }, (_, index) => {
    const [path, value] = [fields[3 * index]!, fields[3 * index + 2]!];
    if (value === "unspecified") return "";
    const how = { set: "merge", text: "merge=text", union: "merge=union", binary: "merge=binary" }[value] ?? "-merge";
    return `${quotedPattern(path)} ${how}\n`;
  }).join("");
}

function quotedPattern(path: string): string {
  const pattern = `/${path.replace(/[\\*?[]/g, "\\$&")}`;
  return `"${pattern.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
