import { decryptWithPassphrase, VaultError, type Context } from "@agent-vault/vault/read-only";
import { newKey, type KeySource } from "./key-source.js";
import { readLedgerKey, writeLedgerKey } from "./ledger-key-file.js";
import { openKey } from "./open-key.js";

/** An age file beside the database that a passphrase opens, at half a second a process. */
export class PassphraseKey implements KeySource {
  readonly name: string;
  readonly #context: Context;
  readonly #file: string;

  constructor(context: Context, file: string) {
    this.name = file;
    this.#context = context;
    this.#file = file;
  }

  async read(): Promise<Uint8Array | undefined> {
    const ciphertext = readLedgerKey(this.#file);
    if (!ciphertext) return undefined;
    return openKey(this.#file, async () => decryptWithPassphrase(ciphertext, await this.#passphrase()));
  }

  async unlock(mayAsk: boolean): Promise<boolean> {
    const { keyMemory } = this.#context;
    if (!keyMemory || keyMemory.has(this.#memoryKey)) return true;
    if (!mayAsk) return false;
    const passphrase = await this.#ask();
    const ciphertext = readLedgerKey(this.#file);
    if (ciphertext) await openKey(this.#file, async () => decryptWithPassphrase(ciphertext, passphrase));
    keyMemory.set(this.#memoryKey, new TextEncoder().encode(passphrase));
    return true;
  }

  async create(): Promise<Uint8Array> {
    const { encryptWithPassphrase } = await import("@agent-vault/vault");
    const key = newKey();
    const ciphertext = await encryptWithPassphrase(key, await this.#passphrase());
    return writeLedgerKey(this.#file, ciphertext) ? key : (await this.read())!;
  }

  get #memoryKey(): string {
    return `ledger passphrase ${this.#file}`;
  }

  async #passphrase(): Promise<string> {
    const remembered = this.#context.keyMemory?.get(this.#memoryKey);
    return remembered ? new TextDecoder().decode(remembered) : this.#ask();
  }

  #ask(): Promise<string> {
    if (this.#context.passphrase) return this.#context.passphrase(this.#file);
    throw new VaultError("PASSPHRASE_REQUIRED", `${this.#file} is protected by a passphrase, and there is no terminal to ask for it.`, {
      remedy: "Run the command on a terminal, or choose another source for the key of the audit log.",
    });
  }
}
