import { lstatSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isArmored } from "../age/armor.js";
import { MAX_HEADER_BYTES } from "../age/header.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { FileSource } from "../format/file-source.js";
import { linkInVault, VaultFolder } from "./vault-folder.js";
import { classify, CONFIG_FILE, MANIFEST_FILE, secretFile, VAULT_FOLDER, type VaultFile } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { andMore } from "../text/counts.js";
import { suggestion } from "../text/did-you-mean.js";
import type { Digest } from "../lock/digest.js";
import { digestsIn, type SignedFiles } from "../lock/signed-files.js";

/**
 * The files of a vault as they were read at one time. Every file is read once: the bytes that were verified are the bytes that are used,
 * however often they are asked for. Reading a secret takes no more than this, so nothing here loads a YAML parser.
 */
export class VaultFiles {
  readonly source: FileSource;
  readonly #bytes = new Map<string, Uint8Array | undefined>();
  #signed: SignedFiles | undefined;

  /** @param source absolute path of the vault's folder, which need not exist yet, or where else the files come from */
  constructor(source: string | FileSource) {
    this.source = typeof source === "string" ? new VaultFolder(source) : source;
  }

  /** What an owner has signed of these files, once that was verified. */
  get signed(): SignedFiles | undefined {
    return this.#signed;
  }

  /** From now on only signed bytes are given out; what was read before is forgotten. */
  vouch(signed: SignedFiles): void {
    this.#signed = signed;
    this.forget();
  }

  /** The bytes of a file of the vault, or `undefined`. @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED`, `TAMPERED` */
  read(file: string): Uint8Array | undefined {
    if (!this.#bytes.has(file)) {
      const bytes = this.source.read(file);
      this.#signed?.require(file, bytes);
      this.#bytes.set(file, bytes);
    }
    return this.#bytes.get(file);
  }

  protected forget(): void {
    this.#bytes.clear();
  }

  /** The digests of all files that belong in a vault, by their path: of the bytes that `bytes` gives. */
  digests(): ReadonlyMap<string, Digest> {
    if (this.#signed?.fixed) return this.#signed.fixed;
    return digestsIn({ root: this.source.root, read: (file) => this.read(file), walk: (folder) => this.source.walk(folder) });
  }

  /** Every file below a folder such as `secrets`, sorted: what is signed there, once files are vouched for. @throws VaultError `TAMPERED` */
  filesBelow(folder: string): readonly string[] {
    return this.#signed?.filesBelow(folder) ?? this.source.walk(folder).map(({ file }) => file);
  }

  /** Every secret that has a file, sorted. Names that break the grammar are left out; `check` names them. */
  secretPaths(): SecretPath[] {
    return this.#below("secrets").flatMap((found) => (found.kind === "secret" ? [found.path] : []));
  }

  /** Every agent that has an escrow, whether or not the manifest names it, sorted. */
  escrowedAgents(): string[] {
    return this.#below("agents").flatMap((found) => (found.kind === "escrow" ? [found.agent] : []));
  }

  #below(folder: string): VaultFile[] {
    return this.filesBelow(folder).map(classify);
  }

  /**
   * What a secret's header can be read from: its file's beginning, or all of an armored file; where the vault is signed, the bytes that
   * were verified. It is not kept, as all secrets together may be more than fits into memory.
   */
  head(path: SecretPath): Uint8Array | undefined {
    const file = secretFile(path);
    if (this.#signed) {
      const bytes = this.source.read(file);
      this.#signed.require(file, bytes);
      return bytes;
    }
    const head = this.source.read(file, MAX_HEADER_BYTES + 1);
    return head && isArmored(head) ? this.source.read(file) : head;
  }

  /** Whether a secret has a file. */
  hasSecret(path: SecretPath): boolean {
    return this.read(secretFile(path)) !== undefined;
  }

  /** A secret's ciphertext. @throws VaultError `SECRET_NOT_FOUND` with the nearest name */
  ciphertext(path: SecretPath): Uint8Array {
    const bytes = this.read(secretFile(path));
    if (bytes) return bytes;
    throw new VaultError("SECRET_NOT_FOUND", `There is no secret ${formatSecretPath(path)} in this vault.`, {
      remedy: `${meantSecret(formatSecretPath(path), this.secretPaths().map(formatSecretPath))}agent-vault list shows them all.`,
    });
  }
}

/** What a name that is no secret's may mean: a group, a secret without its group, or a secret that is spelled much like it. */
function meantSecret(name: string, secrets: readonly string[]): string {
  const inGroup = secrets.filter((secret) => secret.startsWith(`${name}/`));
  if (inGroup.length > 0) return `${name} is a group. Name one of its secrets: ${andMore(inGroup, 3)}. `;
  const sameName = secrets.filter((secret) => secret.endsWith(`/${name}`));
  if (sameName.length > 0) return `Did you mean ${andMore(sameName, 3)}? `;
  return suggestion(name, secrets);
}

/**
 * The vault's folder for a place in the file system: in it, or in the nearest folder above.
 * @param start absolute or relative to the context's folder; it has to exist, as a mistyped one is in some other vault's folder
 * @throws VaultError `VAULT_NOT_FOUND`, `LINK_IN_VAULT` where the folder itself is a link
 */
export function findVault(context: Context, start = "."): string {
  const from = resolve(context.cwd, start);
  if (!statSync(from, { throwIfNoEntry: false })?.isDirectory())
    throw new VaultError("VAULT_NOT_FOUND", `There is no folder ${from}.`, { remedy: "Check the path of the repository." });
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
    remedy: "Go to a repository that has one, name it with -C DIR, or make one with agent-vault init.",
  });
}
