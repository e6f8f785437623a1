import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type Context, isSystemError, VaultError } from "@agent-vault/vault/read-only";

export interface GitOutput {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git in the environment of the context, so that within a hook it sees the index that git is about to commit. */
export async function runGit(context: Context, cwd: string, args: readonly string[]): Promise<GitOutput> {
  const child = start(context, cwd, args);
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
  child.stdin.end();
  const code = await exit(child, cwd);
  return { code, stdout: Buffer.concat(output), stderr: Buffer.concat(errors).toString("utf8") };
}

/**
 * As {@link runGit}, for a command that has to succeed.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function git(context: Context, cwd: string, args: readonly string[]): Promise<Buffer> {
  const output = await runGit(context, cwd, args);
  if (output.code !== 0) throw gitError(cwd, args, output.stderr);
  return output.stdout;
}

/** What stands before each zero byte of an output with `-z`. */
export function records(output: Buffer): Buffer[] {
  const list: Buffer[] = [];
  let from = 0;
  for (let to = output.indexOf(0); to >= 0; to = output.indexOf(0, from)) {
    list.push(output.subarray(from, to));
    from = to + 1;
  }
  return list;
}

/** Takes the content of one object, piece by piece. */
export interface Sink {
  push(bytes: Uint8Array): void;
  end(): void;
}

/**
 * Reads objects, all in one process and none whole in memory.
 * @param names of objects: ids, or `:FILE` for what the index holds at a path. The process starts before they are known.
 * @param open gives what takes an object's content. A `:FILE` that does not exist is passed over.
 * @throws VaultError `GIT_FAILED` where an id is not there to be read.
 */
export async function readObjects(
  context: Context,
  cwd: string,
  names: Promise<readonly string[]>,
  open: (name: string) => Sink,
): Promise<void> {
  const args = ["cat-file", "--batch", "--buffer"];
  const child = start(context, cwd, args);
  const errors: Buffer[] = [];
  child.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
  const read = async (): Promise<void> => {
    try {
      const list = await names;
      child.stdin.end(list.map((name) => `${name}\n`).join(""));
      await readBatch(child.stdout, list, open);
    } catch (error) {
      child.kill();
      throw error;
    }
  };
  const [, code] = await Promise.all([read(), exit(child, cwd)]);
  if (code !== 0) throw gitError(cwd, args, Buffer.concat(errors).toString("utf8"));
}

/** The answers of `git cat-file --batch`, in the order of the names: `ID TYPE SIZE`, the content, a newline. */
async function readBatch(output: AsyncIterable<Buffer>, names: readonly string[], open: (name: string) => Sink): Promise<void> {
  let index = 0;
  let bytes: Buffer = Buffer.alloc(0);
  let sink: Sink | undefined;
  let left = 0;
  for await (const chunk of output) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    while (bytes.length > 0) {
      if (left > 0) {
        const part = bytes.subarray(0, left);
        sink!.push(part);
        left -= part.length;
        bytes = bytes.subarray(part.length);
      } else if (sink) {
        sink.end();
        sink = undefined;
        bytes = bytes.subarray(1);
      } else {
        const end = bytes.indexOf("\n");
        if (end < 0) break;
        const name = names[index++]!;
        const size = /^[0-9a-f]+ [a-z]+ (\d+)$/.exec(bytes.toString("latin1", 0, end))?.[1];
        bytes = bytes.subarray(end + 1);
        if (size !== undefined) {
          sink = open(name);
          left = Number(size);
        } else if (!name.startsWith(":")) {
          throw new VaultError("GIT_FAILED", `git has no object ${name}, which the index names.`, {
            remedy: "Run git fsck to see what is missing.",
          });
        }
      }
    }
  }
}

function start(context: Context, cwd: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  // A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs.
  const child = spawn("git", ["-c", "safe.bareRepository=explicit", ...args], { cwd, env: environment(context) });
  // A git that ends early is told by its exit code.
  child.stdin.on("error", () => {});
  return child;
}

function environment(context: Context): NodeJS.ProcessEnv {
  return {
    // What git starts (a monitor of files, a credential helper) is to see no key of ours, nor where one lies.
    ...Object.fromEntries(Object.entries(context.env).filter(([name]) => !/^AGENT_VAULT_/i.test(name))),
    LC_ALL: "C",
    GIT_OPTIONAL_LOCKS: "0",
    // What is read must be what is pushed: a replacement (git-replace) is seen on this machine alone.
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: undefined,
    GIT_GLOB_PATHSPECS: undefined,
    GIT_NOGLOB_PATHSPECS: undefined,
    GIT_ICASE_PATHSPECS: undefined,
  };
}

function exit(child: ChildProcessWithoutNullStreams, cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("close", (code) => resolve(code ?? 1));
    child.on("error", (error) => {
      reject(!isSystemError(error, "ENOENT") ? error : existsSync(cwd) ? gitMissing(error) : repositoryNotFound(cwd));
    });
  });
}

/** The error for a git that ended with anything but 0, by what it wrote. */
export function gitError(cwd: string, args: readonly string[], stderr: string): VaultError {
  if (/not a git repository|must be run in a work tree|cannot use bare repository/.test(stderr)) return repositoryNotFound(cwd);
  return new VaultError("GIT_FAILED", `git ${args[0]} failed: ${stderr.trim().split("\n")[0]}`, {
    remedy: "Run the same command by hand to see what git needs.",
  });
}

function repositoryNotFound(cwd: string): VaultError {
  return new VaultError("REPOSITORY_NOT_FOUND", `${cwd} is not inside a git repository with a work tree.`, {
    remedy: "Change to the root of the work tree, or name it with -C.",
  });
}

function gitMissing(cause: Error): VaultError {
  return new VaultError("GIT_MISSING", "git could not be started: it is not on the PATH.", {
    remedy: "Install git, then run the command again.",
    cause,
  });
}
