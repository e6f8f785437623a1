import { payloadOf } from "../age/header.js";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { classify, metadataFile, secretFile } from "../format/layout.js";
import { parseMetadata, type Metadata } from "../format/metadata.js";
import type { SecretPath } from "../format/names.js";
import type { Digest } from "../lock/digest.js";
import type { SignedLock } from "../lock/open-lock.js";

/** A verified state, as a merge looks at it: every file is as it was signed. */
export class MergeState {
  readonly signed: SignedLock;
  readonly vault: VaultState;
  /** Of all signed files, by their path. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Of files that no signature covers. */
  readonly strays: ReadonlyMap<string, Digest>;
  #secrets: readonly SecretPath[] | undefined;
  readonly #metadata = new Map<SecretPath, Metadata | undefined>();

  constructor(
    signed: SignedLock,
    vault: VaultState,
    digests: ReadonlyMap<string, Digest>,
    strays: ReadonlyMap<string, Digest> = new Map(),
  ) {
    this.signed = signed;
    this.vault = vault;
    this.digests = digests;
    this.strays = strays;
  }

  get digest(): Digest {
    return this.signed.digest;
  }

  /** The bytes of a signed file, `undefined` where there is none. */
  read(file: string): Uint8Array | undefined {
    return this.digests.has(file) ? this.vault.read(file) : undefined;
  }

  /** What tells a file key from another: the encrypted part of a file, or all of it where it is no age file. */
  payload(file: string): Uint8Array | undefined {
    const bytes = this.read(file);
    try {
      return bytes && payloadOf(bytes);
    } catch (error) {
      if (error instanceof VaultError) return bytes;
      throw error;
    }
  }

  /** Every secret that has a file. */
  get secrets(): readonly SecretPath[] {
    return (this.#secrets ??= [...this.digests.keys()].flatMap((file) => {
      const found = classify(file);
      return found.kind === "secret" ? [found.path] : [];
    }));
  }

  has(path: SecretPath): boolean {
    return this.digests.has(secretFile(path));
  }

  /** What a secret's metadata says; `undefined` where there is none. @throws VaultError `INVALID_YAML`, `INVALID_METADATA` */
  metadata(path: SecretPath): Metadata | undefined {
    if (!this.#metadata.has(path)) {
      const bytes = this.read(metadataFile(path));
      this.#metadata.set(path, bytes && parseMetadata(bytes, path));
    }
    return this.#metadata.get(path);
  }

  /** The number of a secret's value; agent-vault 0.1 counts none. */
  version(path: SecretPath): number {
    return this.metadata(path)?.version ?? 1;
  }

  /** One value from another by what the signed metadata says of it: encrypting it again changes none of that. */
  valueKey(path: SecretPath): string {
    const metadata = this.metadata(path);
    if (!metadata) return `file ${this.digests.get(secretFile(path))}`;
    return JSON.stringify([metadata.created, this.version(path), metadata.rotated]);
  }

  /** The recipients that a secret's file is encrypted to, by the signed manifest and the public keys. @throws VaultError `INVALID_MANIFEST`, `INVALID_RECIPIENT` */
  recipients(path: SecretPath): ReadonlySet<string> {
    return new Set(this.vault.recipientsOf(path).map(({ text }) => text));
  }

  /** The owners' recipients, which escrows and kept versions are encrypted to. */
  owners(): ReadonlySet<string> {
    return new Set(this.vault.owners.map(({ recipient }) => recipient.text));
  }
}
