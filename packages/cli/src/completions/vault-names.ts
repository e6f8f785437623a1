import { findVault, formatSecretPath, plural, processContext, resolvePath, VaultFiles } from "@agent-vault/vault/read-only";

/** A word that can be typed, with its description. */
export interface Candidate {
  readonly word: string;
  readonly description?: string | undefined;
}

/** The names in a vault, read from its files without verifying them: needs no key and no git, and changes nothing. */
export class VaultNames {
  readonly #files: VaultFiles;

  /**
   * @param directories as typed after -C, with `~` not yet expanded by the shell
   * @throws VaultError `VAULT_NOT_FOUND`, `LINK_IN_VAULT`
   */
  constructor(directories: readonly string[]) {
    const context = processContext();
    this.#files = new VaultFiles(findVault(context, resolvePath(context, ...directories)));
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  async agents(): Promise<Candidate[]> {
    const { agents } = await this.#manifest();
    return [...agents].map(([word, groups]) => ({
      word,
      description: groups.size > 0 ? `reads ${[...groups].join(", ")}` : "reads no group",
    }));
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  async owners(): Promise<Candidate[]> {
    return (await this.#manifest()).owners.map(({ name }) => ({ word: name }));
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  async groups(): Promise<Candidate[]> {
    const { groups } = await this.#manifest();
    return [...groups].map(([word, { size }]) => ({ word, description: `group of ${plural(size, "secret")}` }));
  }

  /** Every secret, in the shortest spelling that starts with what is typed. */
  secrets(typed: string): Candidate[] {
    return this.#files.secretPaths().map((path) => ({ word: formatSecretPath(path).startsWith(typed) ? formatSecretPath(path) : path }));
  }

  /** Groups, then secrets with their `/`, which tells them from groups. */
  async targets(): Promise<Candidate[]> {
    return [...(await this.groups()), ...this.#files.secretPaths().map((path) => ({ word: path, description: "secret" }))];
  }

  async #manifest() {
    const { parseManifest } = await import("./vault-manifest.js");
    return parseManifest(this.#files);
  }
}
