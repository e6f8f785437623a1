import { type ScanFinding, quoted } from "./finding.js";
import type { KeyKind } from "./key-formats/key-format.js";
import { KeySearch } from "./key-material.js";
import { checkVaultFile } from "./vault-file.js";

const KEY_NAMES: Record<KeyKind, string> = {
  "age-identity": "an age identity",
  "age-post-quantum-identity": "a post-quantum age identity",
  "agent-vault-token": "an agent-vault token",
  "private-key-pem": "a private key (PEM)",
  "openssh-private-key": "an OpenSSH private key",
  "pgp-private-key": "a PGP private key",
  "ssh2-private-key": "a private key of SSH2",
  "openvpn-static-key": "a static key of OpenVPN",
  "putty-private-key": "a private key of PuTTY",
  "minisign-secret-key": "a secret key of minisign",
  "signify-secret-key": "a secret key of signify",
  "wireguard-private-key": "a key of WireGuard",
  "json-web-key": "a private JSON Web Key",
  "tor-secret-key": "a secret key of Tor",
  "private-key-der": "a private key (DER)",
  pkcs12: "a PKCS #12 key store",
  "java-keystore": "a Java key store",
};

/** As much of a commit's id as git shows. */
const COMMIT_NAME_LENGTH = 10;

/** Where content is: in a file, or, where its name is empty, in a commit's message. */
export type ContentPlace = Pick<ScanFinding, "file" | "commit">;

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

  /** The findings of this content at each of its places. */
  findings(places: readonly ContentPlace[]): ScanFinding[] {
    const keys = this.#keys.end();
    const head = Buffer.concat(this.#head);
    return places.flatMap((place) => [
      ...checkVaultFile(place.file, head, this.#size).map((finding) => ({ ...finding, ...place })),
      ...keys.map(({ kind, line, fingerprint }) => ({
        ...place,
        line,
        kind,
        fingerprint,
        message: `${where(place, line)} holds ${KEY_NAMES[kind]}.`,
      })),
    ]);
  }
}

function where({ file, commit }: ContentPlace, line: number): string {
  if (commit === undefined) return `${quoted(file)}:${line}`;
  const name = commit.slice(0, COMMIT_NAME_LENGTH);
  return file === "" ? `The message of commit ${name}, line ${line},` : `${quoted(file)}:${line} in commit ${name}`;
}
