import { decrypt, type Identity, type Recipient } from "@agent-vault/vault/read-only";
import { newKey, type KeySource } from "./key-source.js";
import { readLedgerKey, replaceLedgerKey, writeLedgerKey } from "./ledger-key-file.js";
import { cannotOpen, isNotAuthorized, openKey } from "./open-key.js";

/** The default: an age file beside the database, encrypted to the identities of this machine. */
export class IdentityKey implements KeySource {
  readonly name: string;
  readonly #file: string;
  readonly #identities: () => Promise<readonly Identity[]>;
  readonly #others: () => readonly Identity[];
  readonly #recipients: () => Promise<readonly Recipient[]>;

  /**
   * @param recipients of a new key: the owners, and the agents whose keys are on this machine
   * @param others on this machine that may open it where those that were found do not, which can open it from then on
   */
  constructor(
    file: string,
    identities: () => Promise<readonly Identity[]>,
    recipients: () => Promise<readonly Recipient[]>,
    others: () => readonly Identity[],
  ) {
    this.name = file;
    this.#file = file;
    this.#identities = identities;
    this.#recipients = recipients;
    this.#others = others;
  }

  async read(): Promise<Uint8Array | undefined> {
    const ciphertext = readLedgerKey(this.#file);
    if (!ciphertext) return undefined;
    const identities = await this.#identities();
    return openKey(this.#file, async () => {
      try {
        return await decrypt(ciphertext, identities);
      } catch (error) {
        if (!isNotAuthorized(error)) throw error;
        const key = await decrypt(ciphertext, this.#others());
        await this.#addIdentities(ciphertext, identities);
        return key;
      }
    });
  }

  /** As well as may be: the key was opened without it. */
  async #addIdentities(ciphertext: Uint8Array, identities: readonly Identity[]): Promise<void> {
    const { addRecipients, parseRecipient } = await import("@agent-vault/vault");
    const recipients = await Promise.all(identities.map(async (identity) => parseRecipient(await identity.recipient())));
    for (const other of this.#others()) {
      try {
        return replaceLedgerKey(this.#file, await addRecipients(ciphertext, other, recipients));
      } catch {
        // Another may do.
      }
    }
  }

  async create(): Promise<Uint8Array> {
    const { encrypt } = await import("@agent-vault/vault");
    const key = newKey();
    const ciphertext = await encrypt(key, await this.#recipients());
    return writeLedgerKey(this.#file, ciphertext) ? key : (await this.read())!;
  }

  /**
   * Lets more identities open the key. One that can open it already gets a second stanza, which does no harm.
   * @throws VaultError `LEDGER_KEY` where none of the identities opens it, `MIXED_RECIPIENTS`, `UNWRITABLE`, `DISK_FULL`
   */
  async add(recipients: readonly Recipient[]): Promise<void> {
    const { addRecipients } = await import("@agent-vault/vault");
    const ciphertext = readLedgerKey(this.#file);
    if (!ciphertext) return;
    const identities = await this.#identities();
    for (const identity of identities) {
      try {
        const widened = await addRecipients(ciphertext, identity, recipients);
        replaceLedgerKey(this.#file, widened);
        return;
      } catch (error) {
        if (!isNotAuthorized(error)) throw error;
      }
    }
    throw cannotOpen(this.#file);
  }
}
