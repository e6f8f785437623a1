import { lstatSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isArmored } from "./age/armor.js";
import { MAX_HEADER_BYTES } from "./age/header.js";
import type { Context } from "./context.js";
import { VaultError } from "./errors.js";
import { linkInVault, VaultFolder } from "./folder.js";
import { classify, CONFIG_FILE, MANIFEST_FILE, secretFile, VAULT_FOLDER } from "./layout.js";
import { formatSecretPath, type SecretPath } from "./names.js";
import { suggestion } from "./nearest.js";

/**
 * The files of a vault as they were read at one time. Every file is read once: the bytes that were looked at are the bytes that are
 * used, however often they are asked for. Reading a secret takes no more than this, so nothing here loads a YAML parser.
 */
export class VaultFiles {
  readonly folder: VaultFolder;
  readonly #bytes = new Map<string, Uint8Array | undefined>();

  /** @param root absolute path of the vault's folder, which need not exist yet */
  constructor(root: string) {
    this.folder = new VaultFolder(root);
  }

  /** The bytes of a file of the vault, or `undefined`. @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED` */
  bytes(file: string): Uint8Array | undefined {
    if (!this.#bytes.has(file)) this.#bytes.set(file, this.folder.read(file));
    return this.#bytes.get(file);
  }

  /** Every secret that has a file, sorted. Names that break the grammar are left out; `check` names them. */
  secretPaths(): SecretPath[] {
    return this.folder.walk("secrets").flatMap(({ file }) => {
      const found = classify(file);
      return found.kind === "secret" ? [found.path] : [];
    });
  }

  /**
   * What a secret's header can be read from: its file's beginning, or all of an armored file. It is not kept, as all secrets together
   * may be more than fits into memory.
   */
  head(path: SecretPath): Uint8Array | undefined {
    const head = this.folder.read(secretFile(path), MAX_HEADER_BYTES + 1);
    return head && isArmored(head) ? this.folder.read(secretFile(path)) : head;
  }

  hasSecret(path: SecretPath): boolean {
    return this.bytes(secretFile(path)) !== undefined;
  }

  /** A secret's ciphertext. @throws VaultError `SECRET_NOT_FOUND` with the nearest name */
  ciphertext(path: SecretPath): Uint8Array {
    const bytes = this.bytes(secretFile(path));
    if (bytes) return bytes;
    throw new VaultError("SECRET_NOT_FOUND", `There is no secret ${formatSecretPath(path)} in this vault.`, {
      remedy: `${suggestion(formatSecretPath(path), this.secretPaths().map(formatSecretPath))}agent-vault list shows them all.`,
    });
  }
}

/**
 * The vault's folder for a place in the file system: in it, or in the nearest folder above.
 * @param start absolute or relative to the context's folder
 * @throws VaultError `VAULT_NOT_FOUND`, `LINK_IN_VAULT` where the folder itself is a link
 */
export function findVault(context: Context, start = "."): string {
  const from = resolve(context.cwd, start);
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(folder, VAULT_FOLDER);
    const stat = lstatSync(root, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) throw linkInVault(root);
    // The folder of keys at home has the same name and no manifest.
    if (stat?.isDirectory() && [MANIFEST_FILE, CONFIG_FILE].some((file) => lstatSync(join(root, file), { throwIfNoEntry: false })))
      return root;
    if (folder === dirname(folder)) break;
  }
  throw new VaultError("VAULT_NOT_FOUND", `There is no vault in ${from} or above it.`, {
    remedy: "Go to the repository that holds one, name it with -C DIR, or make one with agent-vault init.",
  });
}
