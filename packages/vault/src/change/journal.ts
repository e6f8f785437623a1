import { readFileSync, rmSync } from "node:fs";
import * as z from "zod/mini";
import { replaceFile } from "../disk/atomic-file.js";
import { isSystemError, VaultError } from "../errors.js";

/** The path of a vault's folder, relative to the work tree and inside it: one repository may hold several vaults. */
const VAULT_PATH = /^(?!.*(?:^|\/)\.{0,2}\/)(?:.+\/)?\.agent-vault$/s;
const BRANCH = /^(?:HEAD|refs\/heads\/(?!-|.*(?:\.\.|\/[./]))[^\0- ~^:?*[\\\x7f]+)$/;
const objectId = z.string().check(z.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/));
const journalSchema = z.object({
  vault: z.string().check(z.regex(VAULT_PATH)),
  ref: z.string().check(z.regex(BRANCH)),
  old: z.optional(objectId),
  new: objectId,
});

/** A change that is to be finished: the branch `ref` goes from the commit `old` (none before the first) to `new`, and with it the vault. */
export type Journal = z.infer<typeof journalSchema>;

/** The file whose presence is a change's point of no return. */
export class JournalFile {
  readonly #file: string;
  readonly #draft: string;

  constructor(file: string) {
    this.#file = file;
    this.#draft = `${file}.new`;
  }

  /** The journal is there, whole and on the disk, when this returns. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
  write(journal: Journal): void {
    replaceFile(this.#file, `${JSON.stringify(journal)}\n`, { mode: 0o644, durable: true, draft: this.#draft });
  }

  /** @returns `undefined` where there is nothing to finish @throws VaultError `DAMAGED` */
  read(): Journal | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return undefined;
      throw error;
    }
    try {
      return journalSchema.parse(JSON.parse(text));
    } catch {
      throw this.damaged();
    }
  }

  /** The error for a journal that agent-vault has not written. */
  damaged(): VaultError {
    return new VaultError("DAMAGED", `${this.#file} is not a journal of agent-vault.`, {
      remedy: "Move it away, then run git status and agent-vault check.",
    });
  }

  remove(): void {
    for (const file of [this.#file, this.#draft]) rmSync(file, { force: true });
  }
}
