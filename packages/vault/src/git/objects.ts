import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { EnvironmentOptions } from "./environment.js";
import { gitFailed } from "./errors.js";
import { exitOf, startGit } from "./run-git.js";

/** Takes the content of one object, piece by piece. */
export interface ObjectSink {
  push(bytes: Uint8Array): void;
  end(): void;
}

/**
 * Reads objects, all in one process and none whole in memory (`git cat-file --batch`).
 * @param names of objects: ids, `REVISION:PATH`, or `:PATH` for what the index holds. The process starts before they are known.
 * @param open gives what takes an object's content, or `undefined` to pass over it; `type` is git's, such as `blob`, or `missing`, and `size`
 *   is in bytes
 * @throws GitError
 */
export async function readObjects(
  context: Context,
  folder: string,
  names: readonly string[] | Promise<readonly string[]>,
  open: (name: string, type: string, index: number, size: number) => ObjectSink | undefined,
  environment?: EnvironmentOptions,
): Promise<void> {
  const args = ["cat-file", "--batch", "--buffer"];
  const child = startGit(context, folder, args, { stdio: ["pipe", "pipe", "pipe"], environment });
  const errors: Buffer[] = [];
  child.stderr!.on("data", (bytes: Buffer) => errors.push(bytes));
  const read = async (): Promise<void> => {
    try {
      const list = await names;
      child.stdin!.end(lines(list));
      await readBatch(child.stdout as AsyncIterable<Buffer>, (index, type, size) => open(list[index]!, type, index, size));
    } catch (error) {
      child.kill();
      throw error;
    }
  };
  const [, code] = await Promise.all([read(), exitOf(child, folder)]);
  if (code !== 0) throw gitFailed({ args, exit: code, stderr: Buffer.concat(errors).toString("utf8") });
}

/** The contents of many objects by their ids. @throws VaultError `GIT_FAILED` where one is missing */
export async function readBlobs(context: Context, folder: string, ids: readonly string[]): Promise<Uint8Array[]> {
  const blobs = await readContents(context, folder, ids);
  return blobs.map((bytes) => {
    if (bytes) return bytes;
    throw new VaultError("GIT_FAILED", "git does not hold an object that it should.", { remedy: "Run git fsck to see what is missing." });
  });
}

/**
 * The contents of files (`REVISION:PATH`, or the ids of blobs), `undefined` for each that is not there or is no file.
 * @param maxBytes larger files are as if they were not there
 */
export async function readContents(
  context: Context,
  folder: string,
  names: readonly string[],
  maxBytes = Infinity,
): Promise<(Uint8Array | undefined)[]> {
  if (names.length === 0) return [];
  const contents = Array.from<Uint8Array | undefined>({ length: names.length });
  await readObjects(context, folder, names, (_name, type, index, size) => {
    if (type !== "blob" || size > maxBytes) return undefined;
    const parts: Uint8Array[] = [];
    return { push: (bytes) => parts.push(bytes), end: () => (contents[index] = new Uint8Array(Buffer.concat(parts))) };
  });
  return contents;
}

function lines(names: readonly string[]): string {
  if (names.some((name) => name.includes("\n"))) {
    throw new VaultError("GIT_FAILED", "A path with a line break cannot be read from git.", {
      remedy: "Rename the folder that contains the vault.",
    });
  }
  return names.map((name) => `${name}\n`).join("");
}

/** The answers, in the order of the names: `ID TYPE SIZE`, the content, a newline; or `NAME missing`. */
async function readBatch(
  output: AsyncIterable<Buffer>,
  open: (index: number, type: string, size: number) => ObjectSink | undefined,
): Promise<void> {
  let index = 0;
  let bytes: Buffer = Buffer.alloc(0);
  let content: { readonly sink: ObjectSink | undefined; left: number } | undefined;
  for await (const chunk of output) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    while (bytes.length > 0) {
      if (!content) {
        const end = bytes.indexOf("\n");
        if (end < 0) break;
        const [, type, size] = /^[0-9a-f]+ ([a-z]+) (\d+)$/.exec(bytes.toString("latin1", 0, end)) ?? [];
        const sink = open(index++, type ?? "missing", Number(size ?? 0));
        bytes = bytes.subarray(end + 1);
        if (size !== undefined) content = { sink, left: Number(size) };
      } else if (content.left > 0) {
        const part = bytes.subarray(0, content.left);
        content.sink?.push(part);
        content.left -= part.length;
        bytes = bytes.subarray(part.length);
      } else {
        content.sink?.end();
        content = undefined;
        bytes = bytes.subarray(1);
      }
    }
  }
}
