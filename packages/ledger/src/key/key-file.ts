import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  createFile,
  decrypt,
  decryptWithPassphrase,
  isSystemError,
  replaceFile,
  VaultError,
  type Context,
  type Identity,
  type Recipient,
} from "@agent-vault/vault/read-only";
import { requireLedgerFolder } from "../ledger-folder.js";
import { KEY_LENGTH, newKey, type KeySource } from "./key-source.js";

/** Larger than a key file with every recipient that a header can have. */
const MAX_BYTES = 2 ** 21;

/** The default: an age file beside the database, encrypted to the identities of this machine. */
export class IdentityKey implements KeySource {
  readonly name: string;
  readonly #file: string;
  readonly #identities: () => Promise<readonly Identity[]>;
  readonly #others: () => readonly Identity[];
  readonly #recipients: () => Promise<readonly Recipient[]>;

  /**
   * @param recipients of a new key: the owners, and the agents whose keys are on this machine
   * @param others on this machine that may open it where those at hand do not, which are let in then
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
    const sealed = readKeyFile(this.#file);
    if (!sealed) return undefined;
    const identities = await this.#identities();
    return opened(this.#file, async () => {
      try {
        return await decrypt(sealed, identities);
      } catch (error) {
        if (!isNotAuthorized(error)) throw error;
        const key = await decrypt(sealed, this.#others());
        await this.#letIn(sealed, identities);
        return key;
      }
    });
  }

  /** As well as may be: the key was opened without it. */
  async #letIn(sealed: Uint8Array, identities: readonly Identity[]): Promise<void> {
    const { addRecipients, parseRecipient } = await import("@agent-vault/vault");
    const recipients = await Promise.all(identities.map(async (identity) => parseRecipient(await identity.recipient())));
    for (const other of this.#others()) {
      try {
        return replaceKeyFile(this.#file, await addRecipients(sealed, other, recipients));
      } catch {
        // Another may do.
      }
    }
  }

  async create(): Promise<Uint8Array> {
    const { encrypt } = await import("@agent-vault/vault");
    const key = newKey();
    const sealed = await encrypt(key, await this.#recipients());
    return writeKeyFile(this.#file, sealed) ? key : (await this.read())!;
  }

  /**
   * Lets more identities open the key. One that can open it already gets a second stanza, which does no harm.
   * @throws VaultError `LEDGER_KEY` where no identity at hand opens it, `MIXED_RECIPIENTS`, `UNWRITABLE`, `DISK_FULL`
   */
  async add(recipients: readonly Recipient[]): Promise<void> {
    const { addRecipients } = await import("@agent-vault/vault");
    const sealed = readKeyFile(this.#file);
    if (!sealed) return;
    const identities = await this.#identities();
    for (const identity of identities) {
      try {
        const widened = await addRecipients(sealed, identity, recipients);
        replaceKeyFile(this.#file, widened);
        return;
      } catch (error) {
        if (!isNotAuthorized(error)) throw error;
      }
    }
    throw cannotOpen(this.#file);
  }
}

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
    const sealed = readKeyFile(this.#file);
    if (!sealed) return undefined;
    return opened(this.#file, async () => decryptWithPassphrase(sealed, await this.#ask()));
  }

  async create(): Promise<Uint8Array> {
    const { encryptWithPassphrase } = await import("@agent-vault/vault");
    const key = newKey();
    const sealed = await encryptWithPassphrase(key, await this.#ask());
    return writeKeyFile(this.#file, sealed) ? key : (await this.read())!;
  }

  #ask(): Promise<string> {
    if (this.#context.passphrase) return this.#context.passphrase(this.#file);
    throw new VaultError("PASSPHRASE_REQUIRED", `${this.#file} is protected by a passphrase, and nobody can be asked for it here.`, {
      remedy: "Run the command on a terminal, or choose another source for the key of the audit log.",
    });
  }
}

async function opened(file: string, open: () => Promise<Uint8Array>): Promise<Uint8Array> {
  let key: Uint8Array;
  try {
    key = await open();
  } catch (error) {
    if (isNotAuthorized(error)) throw cannotOpen(file, error);
    if (error instanceof VaultError && error.code === "DAMAGED") throw damagedKey(file, error);
    throw error;
  }
  if (key.length !== KEY_LENGTH) throw damagedKey(file);
  return key;
}

function isNotAuthorized(error: unknown): boolean {
  return error instanceof VaultError && error.code === "NOT_AUTHORIZED";
}

function readKeyFile(file: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return undefined;
    throw new VaultError("LEDGER_KEY", `The key of the audit log in ${file} could not be read.`, {
      remedy: "Check the owner and the permissions of the file; it is a regular file, and no link.",
      cause,
    });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw damagedKey(file);
    return new Uint8Array(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** @returns `false` where there is a key file already */
function writeKeyFile(file: string, bytes: Uint8Array): boolean {
  requireLedgerFolder(dirname(file));
  return createFile(file, bytes, { durable: true });
}

function replaceKeyFile(file: string, bytes: Uint8Array): void {
  requireLedgerFolder(dirname(file));
  replaceFile(file, bytes, { durable: true });
}

function cannotOpen(file: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_KEY", `The key of the audit log in ${file} is encrypted to other identities than those at hand.`, {
    remedy:
      "Use a key of this machine's owner or agents; an owner lets an agent in by agent-vault restore-agent NAME, run on this machine.",
    cause,
  });
}

function damagedKey(file: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_KEY", `${file} does not hold the key of the audit log any more.`, {
    remedy: "Restore it from a backup; without it, move the audit log and this file away to start a new one.",
    cause,
  });
}
