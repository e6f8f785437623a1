import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  findVault,
  locateKey,
  locateVaultKey,
  VaultError,
  type Context,
  type KeyChoice,
  type RepositoryUrl,
} from "@agent-vault/vault/read-only";
import { wholeVault } from "./whole-vault.js";

/** Where a vault's files are: a folder of this machine, or the clone of a URL, which is made when it is needed first. */
export class VaultFolder {
  readonly #context: Context;
  readonly #url: RepositoryUrl | undefined;
  /** Not known before the clone of a URL exists. */
  #root: string | undefined;
  #cloning: Promise<string> | undefined;
  /** What a call that could not wait met. */
  #damage: unknown;

  /** @throws VaultError `VAULT_NOT_FOUND` where a path holds no vault */
  constructor(context: Context, place: string | RepositoryUrl) {
    this.#context = context;
    if (typeof place === "string") this.#root = findVault(context, place);
    else this.#url = place;
  }

  /** Requires that there is a key, which may prove wrong when it is read. @throws VaultError `NO_KEY` */
  requireKey(key: KeyChoice): void {
    const root = this.#root;
    // Whether an owner has a key for a vault alone is not known before its repository was cloned.
    if (root === undefined && existsSync(join(this.#context.home, "owners"))) return;
    if (root === undefined) locateKey(this.#context, key);
    else locateVaultKey(this.#context, root, key);
  }

  /** The vault's folder; clones a URL once, however many calls wait for it. @throws VaultError as git and the verification do */
  async locate(key: KeyChoice): Promise<string> {
    if (this.#root !== undefined) return this.#root;
    const url = this.#url!;
    this.#cloning ??= import("@agent-vault/vault")
      .then(({ cloneOf }) => cloneOf(this.#context, url, key))
      .finally(() => (this.#cloning = undefined));
    return (this.#root = await this.#cloning);
  }

  /**
   * Uses the vault's folder. Where what is thrown says that the clone of a URL is damaged, the clone is made again and used once more.
   * @param onHealed is called before the second use
   * @throws VaultError as {@link locate}, and what `use` throws
   */
  async use<T>(key: KeyChoice, use: (root: string) => Promise<T>, onHealed: () => void): Promise<T> {
    if (this.#damage !== undefined) await this.#heal(key, this.#damage).catch(() => false);
    const root = await this.locate(key);
    try {
      return await use(root);
    } catch (error) {
      if (!(await this.#heal(key, error).catch(() => false))) throw error;
      onHealed();
      return use(await this.locate(key));
    }
  }

  /** As {@link use}, for a caller that cannot wait: what is damaged is put right by the next `use`. */
  useExisting<T>(use: (root: string) => T): T {
    try {
      return use(this.existing());
    } catch (error) {
      this.#damage = error;
      throw error;
    }
  }

  async #heal(key: KeyChoice, error: unknown): Promise<boolean> {
    this.#damage = undefined;
    if (!this.#url) return false;
    const { healClone } = await import("@agent-vault/vault");
    if (!(await healClone(this.#context, this.#url, key, error))) return false;
    this.#root = undefined;
    return true;
  }

  /** The vault's folder without waiting. @throws VaultError `VAULT_NOT_FOUND` where a URL was not cloned yet */
  existing(): string {
    this.#root ??= wholeVault().existingCloneOf(this.#context, this.#url!);
    if (this.#root !== undefined) return this.#root;
    throw new VaultError("VAULT_NOT_FOUND", "The vault's repository was not cloned yet.", { remedy: "Await pull() or a get first." });
  }

  /** Resolves, whatever becomes of it, once no clone is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#cloning]);
  }
}
