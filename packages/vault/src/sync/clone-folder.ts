import { createHash } from "node:crypto";
import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Context } from "../context.js";
import { isSystemError, VaultError } from "../errors.js";
import type { RepositoryUrl } from "../git/remote-url.js";

/** Where a clone of a repository may be: at home, and in the system's folder for what is temporary where only the user can write. */
export function cloneFolders(context: Context, url: RepositoryUrl): string[] {
  const caches = [homeCache(context), ...(isOwn(temporaryCache()) ? [temporaryCache()] : [])];
  return caches.map((cache) => join(cache, nameOf(url)));
}

/** Where a new clone goes: the first of these that can be written. @throws VaultError `UNWRITABLE` */
export function newCloneFolder(context: Context, url: RepositoryUrl): string {
  return join(writableCache(context), nameOf(url));
}

function nameOf({ address }: RepositoryUrl): string {
  return createHash("sha256").update(address).digest("hex").slice(0, 32);
}

const homeCache = (context: Context): string => join(context.home, "cache");
const temporaryCache = (): string => join(tmpdir(), `agent-vault-${process.getuid?.() ?? "cache"}`);

function writableCache(context: Context): string {
  const cache = homeCache(context);
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    accessSync(cache, constants.W_OK | constants.X_OK);
    return cache;
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR")) throw error;
  }
  const temporary = temporaryCache();
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  if (isOwn(temporary)) return temporary;
  throw new VaultError("UNWRITABLE", `Nothing can be written in ${cache}, and ${temporary} belongs to another user.`, {
    remedy: "Set AGENT_VAULT_HOME to a folder of your own.",
  });
}

/** Whether a folder is there and nobody else can put anything in it: the system's temporary folder is open to all. */
function isOwn(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0);
}
