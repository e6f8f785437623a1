import { VaultError } from "../errors.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";

/**
 * The names of secrets and of their folders that are taken, as a disk sees them that does not tell upper from lower case.
 * A secret and a folder of the same name do not collide: the secret's file has an ending.
 */
export class SecretTwins {
  readonly #secrets = new Map<string, { spelling: string; secret: SecretPath }>();
  readonly #folders = new Map<string, { spelling: string; secret: SecretPath }>();

  constructor(secrets: Iterable<SecretPath>) {
    for (const secret of secrets) this.#take(secret);
  }

  /**
   * Takes the name of a new secret.
   * @throws VaultError `ALREADY_EXISTS` where it, or a folder of it, differs from another's in case only
   */
  add(path: SecretPath): void {
    for (const prefix of prefixesOf(path)) {
      const twin = this.#namesLike(path, prefix).get(prefix.toLowerCase());
      if (twin === undefined || twin.spelling === prefix) continue;
      throw new VaultError(
        "ALREADY_EXISTS",
        `${formatSecretPath(path)} and ${formatSecretPath(twin.secret)} differ in upper and lower case only.`,
        { remedy: "Some disks cannot tell such names apart. Use the existing spelling or another name." },
      );
    }
    this.#take(path);
  }

  #take(secret: SecretPath): void {
    for (const spelling of prefixesOf(secret)) {
      const names = this.#namesLike(secret, spelling);
      const name = spelling.toLowerCase();
      if (!names.has(name)) names.set(name, { spelling, secret });
    }
  }

  #namesLike(secret: SecretPath, prefix: string) {
    return prefix === secret ? this.#secrets : this.#folders;
  }
}

/** `a`, `a/b` and `a/b/c` for `a/b/c`. */
function prefixesOf(path: SecretPath): string[] {
  return path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
}
