import { spawn } from "node:child_process";
import { once } from "node:events";
import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { newKey, noKey, parseKey, type KeySource, KEY_VARIABLE } from "./key-source.js";

/** The key itself in the environment, as where a CI job is given it. */
export class VariableKey implements KeySource {
  readonly name = KEY_VARIABLE;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async read(): Promise<Uint8Array> {
    return parseKey(this.#context.env[KEY_VARIABLE] ?? "", this.name);
  }

  create(): Promise<Uint8Array> {
    return this.read();
  }
}

/** A key manager's command, run without a shell; what it prints is the key. */
export class CommandKey implements KeySource {
  readonly name: string;
  readonly #context: Context;
  readonly #command: readonly [string, ...string[]];

  /** @param command the program and its arguments */
  constructor(context: Context, command: readonly [string, ...string[]]) {
    this.name = `the key command ${command[0]}`;
    this.#context = context;
    this.#command = command;
  }

  async read(): Promise<Uint8Array> {
    const [program, ...args] = this.#command;
    const output: Buffer[] = [];
    let code: unknown;
    try {
      const child = spawn(program, args, { cwd: this.#context.home, env: this.#context.env, stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
      [code] = await once(child, "close");
    } catch (cause) {
      throw noKey(this.name, cause);
    }
    if (code !== 0) throw noKey(this.name);
    return parseKey(Buffer.concat(output).toString("latin1"), this.name);
  }

  create(): Promise<Uint8Array> {
    return this.read();
  }
}

/** What an operating system's keychain does, as `@napi-rs/keyring` offers it. */
export interface KeychainEntry {
  getPassword(): string | null;
  setPassword(password: string): void;
}
/** Gives the entry of an account at a service. @throws where there is no keychain */
export type Keychain = (service: string, account: string) => Promise<KeychainEntry>;

const SERVICE = "agent-vault ledger";

/** The operating system's keychain, under the vault's id. */
export class KeychainKey implements KeySource {
  readonly name = "the keychain of this system";
  readonly #vault: string;
  readonly #keychain: Keychain;

  constructor(vault: string, keychain: Keychain = systemKeychain) {
    this.#vault = vault;
    this.#keychain = keychain;
  }

  async read(): Promise<Uint8Array | undefined> {
    const text = await this.#ask((entry) => entry.getPassword());
    return text === null ? undefined : parseKey(text, this.name);
  }

  async create(): Promise<Uint8Array> {
    await this.#ask((entry) => entry.setPassword(Buffer.from(newKey()).toString("hex")));
    // Of two processes that make one at once the later one's stays.
    return (await this.read()) ?? Promise.reject(noKey(this.name));
  }

  async #ask<T>(question: (entry: KeychainEntry) => T): Promise<T> {
    try {
      return question(await this.#keychain(SERVICE, this.#vault));
    } catch (cause) {
      if (cause instanceof VaultError) throw cause;
      throw noKey(this.name, cause);
    }
  }
}

async function systemKeychain(service: string, account: string): Promise<KeychainEntry> {
  const { Entry } = await import("@napi-rs/keyring");
  return new Entry(service, account);
}
