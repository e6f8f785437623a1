import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { VaultError, writeError, type Context } from "@agent-vault/vault/read-only";
import { processEntry } from "./process-table.js";
import { Watchdog } from "./watchdog.js";

/** The types of file systems that have no disk below them: tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);
const SHARED_MEMORY = "/dev/shm";
/** Whose folder it is: the namespace of process numbers, the number, and when that process began. */
const FOLDER = /^agent-vault-(\d+)-(\d+)-(\d+)-/;
/**
 * Secrets as files, for programs that want a path. They lie in memory, in a folder that only this user can open, and are removed when this is
 * disposed of, when the process exits, and, by a shell that watches, when it is killed. Memory can be swapped out.
 */
export class SecretFiles {
  readonly folder: string;
  readonly #watchdog: Watchdog;
  readonly #remove = () => this.remove();

  private constructor(folder: string, watchdog: Watchdog) {
    this.folder = folder;
    this.#watchdog = watchdog;
    process.once("exit", this.#remove);
  }

  /**
   * Makes the folder, and removes what processes that were killed together with their watchdog left behind.
   * @throws VaultError `NO_PRIVATE_STORAGE`
   */
  static create(env: Context["env"], platform: NodeJS.Platform = process.platform): SecretFiles {
    const storage = platform === "linux" ? storageFolders(env)[0] : undefined;
    if (storage === undefined) {
      throw new VaultError("NO_PRIVATE_STORAGE", "There is no file system in memory to keep a secret file in.", {
        remedy:
          platform === "linux"
            ? "Mount a tmpfs at /dev/shm, or hand the secret over as a variable (--secret PATH=NAME)."
            : "Hand the secret over as a variable (--secret PATH=NAME), or run the command in a Linux container.",
      });
    }
    SecretFiles.sweep(env);
    const folder = makeFolder(join(storage, `agent-vault-${ownMark()}-`));
    return new SecretFiles(folder, startWatchdog(folder));
  }

  /** Removes the folders of processes that are gone. */
  static sweep(env: Context["env"]): void {
    for (const storage of storageFolders(env)) {
      for (const name of readdirSync(storage)) {
        if (isLeftOver(storage, name)) rmSync(join(storage, name), { recursive: true, force: true });
      }
    }
  }

  /**
   * @param name of the file, like that of a variable
   * @returns its path
   * @throws VaultError `DISK_FULL`, `UNWRITABLE`
   */
  add(name: string, value: Uint8Array): string {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new VaultError("INVALID_VARIABLE", "A secret file has the name of a variable.");
    const path = join(this.folder, name);
    try {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        for (let written = 0; written < value.length;) written += writeSync(file, value, written);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw writeError(error, `the secret file ${name}`);
    }
    return path;
  }

  remove(): void {
    process.off("exit", this.#remove);
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } finally {
      this.#watchdog.end();
    }
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

/** Folders in memory that we can write to; the one that is this user's alone first. */
function storageFolders(env: Context["env"]): string[] {
  const own = env["XDG_RUNTIME_DIR"];
  return [...(own && isAbsolute(own) ? [own] : []), SHARED_MEMORY].filter((folder) => {
    try {
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      return MEMORY_FILE_SYSTEMS.has(statfsSync(folder).type);
    } catch {
      return false;
    }
  });
}

function makeFolder(prefix: string): string {
  try {
    return mkdtempSync(prefix);
  } catch (error) {
    throw writeError(error, "the folder for secret files");
  }
}

/** @throws VaultError `NO_PRIVATE_STORAGE`: without a watchdog, a file would stay when we are killed */
function startWatchdog(folder: string): Watchdog {
  const watchdog = new Watchdog('rm -rf -- "$1"', [folder]);
  if (watchdog.isAtWork) return watchdog;
  rmSync(folder, { recursive: true, force: true });
  throw new VaultError("NO_PRIVATE_STORAGE", "Secret files need /bin/sh, which removes them if agent-vault is killed, but there is none.", {
    remedy: "Hand the secret over as a variable (--secret PATH=NAME).",
  });
}

function ownMark(): string {
  return `${processNamespace()}-${process.pid}-${processEntry(process.pid)?.begin}`;
}

/** A folder of ours whose process is gone. In another container's namespace the numbers mean other processes. */
function isLeftOver(storage: string, name: string): boolean {
  const [, namespace, pid, begin] = FOLDER.exec(name) ?? [];
  if (namespace === undefined || namespace !== processNamespace() || processEntry(Number(pid))?.begin === begin) return false;
  const stat = lstatSync(join(storage, name), { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.getuid!();
}

function processNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))![0];
}
