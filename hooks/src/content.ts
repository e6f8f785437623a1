import { type ScanFinding, quoted } from "./finding.js";
import type { KeyKind } from "./key-formats.js";
import { KeySearch } from "./key-material.js";
import { checkVaultFile } from "./vault-file.js";

const KEY_NAMES: Record<KeyKind, string> = {
  "age-identity": "an age identity",
  "age-post-quantum-identity": "a post-quantum age identity",
  "private-key-pem": "a private key (PEM)",
  "openssh-private-key": "an OpenSSH private key",
  "pgp-private-key": "a PGP private key",
};

/** How much of a file's beginning is kept for the rules of a vault's files. */
const HEAD_BYTES = 65536;

/** The content of one file, taken in pieces and scanned. */
export class Content {
  readonly #keys = new KeySearch();
  readonly #head: Uint8Array[] = [];
  #size = 0;

  push(bytes: Uint8Array): void {
    if (this.#size < HEAD_BYTES) this.#head.push(bytes.subarray(0, HEAD_BYTES - this.#size));
    this.#size += bytes.length;
    this.#keys.push(bytes);
  }

  /** The findings of this content at each of `files`. */
  findings(files: readonly string[]): ScanFinding[] {
    const keys = this.#keys.end();
    const head = Buffer.concat(this.#head);
    return files.flatMap((file) => [
      ...checkVaultFile(file, head, this.#size),
      ...keys.map(({ kind, line, fingerprint }) => ({
        file,
        line,
        kind,
        fingerprint,
        message: `${quoted(file)}:${line} holds ${KEY_NAMES[kind]}.`,
      })),
    ]);
  }
}
