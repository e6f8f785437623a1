import { VaultError } from "../errors.js";
import type { FileEntry, FileSource } from "../format/file-source.js";
import { linkInVault } from "./vault-folder.js";
import type { GitRepository } from "../git/repository.js";

const KINDS: Readonly<Record<string, FileEntry["kind"]>> = { "100644": "file", "100755": "file", "120000": "link" };

/** A vault's files as one commit holds them. All are read at once: this is for looking through a whole vault. */
export class CommitFiles implements FileSource {
  readonly root: string;
  readonly #entries: readonly FileEntry[];
  readonly #bytes: ReadonlyMap<string, Uint8Array>;

  private constructor(root: string, entries: readonly FileEntry[], bytes: ReadonlyMap<string, Uint8Array>) {
    this.root = root;
    this.#entries = entries;
    this.#bytes = bytes;
  }

  /**
   * @param root the vault's folder in the work tree
   * @throws VaultError `VAULT_NOT_FOUND` where the commit holds no vault there, `GIT_FAILED` for an unknown revision
   */
  static async read(repository: GitRepository, revision: string, root: string): Promise<CommitFiles> {
    const prefix = `${repository.pathOf(root)}/`;
    const listing = await repository.run(["ls-tree", "-r", "-z", "--full-tree", revision, "--", prefix]);
    const found = listing.split("\0").flatMap((line) => {
      const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
      return path?.startsWith(prefix) ? [{ file: path.slice(prefix.length), kind: KINDS[mode!] ?? "other", id: id! } as const] : [];
    });
    if (found.length === 0) {
      throw new VaultError("VAULT_NOT_FOUND", `${revision} holds no vault in ${prefix}.`, { remedy: "Name another commit." });
    }
    const files = found.filter(({ kind }) => kind === "file");
    const blobs = await repository.blobs(files.map(({ id }) => id));
    const entries = found.map(({ file, kind }) => ({ file, kind })).toSorted((a, b) => (a.file < b.file ? -1 : 1));
    return new CommitFiles(root, entries, new Map(files.map(({ file }, index) => [file, blobs[index]!])));
  }

  /** @throws VaultError `LINK_IN_VAULT` */
  read(file: string): Uint8Array | undefined {
    const bytes = this.#bytes.get(file);
    if (!bytes && this.#entries.some((entry) => entry.kind === "link" && (file === entry.file || file.startsWith(`${entry.file}/`))))
      throw linkInVault(file);
    return bytes;
  }

  /** All entries below a folder, sorted. */
  walk(folder = ""): FileEntry[] {
    return this.#entries.filter(({ file }) => folder === "" || file.startsWith(`${folder}/`));
  }
}
