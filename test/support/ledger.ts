import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Database } from "@tursodatabase/database/compat";
import { onTestFinished } from "vitest";
import { Ledger, type LedgerOptions } from "#ledger/index.js";
import { decrypt, generateIdentity, parseRecipient, processContext, SigningKey, type Context, type Identity } from "#vault/index.js";
import { SCRATCH } from "./scratch.js";

export const VAULT = "7c1f5a70-0000-4000-8000-00000000abcd";

/** A home with a ledger in it, of one owner. */
export class LedgerHome {
  readonly root: string;
  readonly home: string;
  readonly warnings: string[] = [];
  readonly identity: Identity;
  readonly owner: SigningKey;
  /** What the clock says; each look at it is a second later. */
  now = new Date("2026-11-22T10:00:00.000Z");

  private constructor(identity: Identity) {
    this.root = realpathSync(mkdtempSync(join(SCRATCH, "agent-vault-ledger-")));
    this.home = join(this.root, "home");
    mkdirSync(this.home);
    this.identity = identity;
    this.owner = new SigningKey(identity, VAULT);
  }

  /** Removed when the test ends. */
  static async make(): Promise<LedgerHome> {
    const home = await LedgerHome.makeForMany();
    onTestFinished(() => home.remove());
    return home;
  }

  /** The caller removes it. */
  static async makeForMany(): Promise<LedgerHome> {
    return new LedgerHome(await generateIdentity("x25519"));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  get folder(): string {
    return join(this.home, "ledger");
  }

  get file(): string {
    return join(this.folder, `${VAULT}.db`);
  }

  context(overrides: Partial<Context> = {}): Context {
    return processContext({
      cwd: this.root,
      env: { AGENT_VAULT_HOME: this.home, PATH: process.env["PATH"] },
      now: () => (this.now = new Date(this.now.getTime() + 1000)),
      warn: (message) => this.warnings.push(message),
      ...overrides,
    });
  }

  /** The ledger, as a process of its own would open it. */
  open(overrides: Partial<LedgerOptions> = {}): Promise<Ledger> {
    return Ledger.open({
      context: this.context(),
      vault: VAULT,
      identities: async () => [this.identity],
      recipients: async () => [parseRecipient(await this.identity.recipient())],
      ...overrides,
    });
  }

  async key(): Promise<Buffer> {
    return Buffer.from(await decrypt(readFileSync(join(this.folder, `${VAULT}.key`)), [this.identity]));
  }

  /** Works on the database as one who has its key can, past the ledger. */
  async tamper<T>(work: (database: Database) => T): Promise<T> {
    const hexkey = (await this.key()).toString("hex");
    const database = new Database(this.file, { encryption: { cipher: "aegis256", hexkey }, timeout: 0 });
    try {
      return work(database);
    } finally {
      database.close();
    }
  }
}
