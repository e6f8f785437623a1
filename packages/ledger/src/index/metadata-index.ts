import type { Context } from "@agent-vault/vault/read-only";
import type { SecretPage, SecretQuery, VaultState } from "@agent-vault/vault";
import type { LedgerDatabase } from "../database/database.js";
import { countSecrets, generationOf, readIndexedState, readSources } from "./indexed-state.js";
import { planSecrets } from "./plan-secrets.js";
import { findAgents, findOwners, findSecrets, type IndexedAgent } from "./query.js";
import { isSameState, signedSources } from "./signed-sources.js";
import { writeRows, type Refreshed } from "./write-rows.js";

const TABLES = ["secret", "secret_tag", "vault_group", "group_secret", "agent", "agent_group", "extra_agent", "owner", "source"];

/**
 * An index of what a vault's files say of its secrets, so that a list of a hundred thousand takes no reading of files. It only ever
 * repeats them: it is filled from a state that was verified, and what may be read by whom is never asked of it.
 */
export class MetadataIndex {
  readonly #context: Context;
  readonly #database: LedgerDatabase;

  constructor(context: Context, database: LedgerDatabase) {
    this.#context = context;
    this.#database = database;
  }

  /** How many secrets are indexed. */
  size(): Promise<number> {
    return this.#database.read(countSecrets);
  }

  /** Whether the index is of this very state, going by the digests that the owner signed. A state that nobody signed is never taken as known. */
  isFresh(state: VaultState): Promise<boolean> {
    return this.#database.read((connection) => isSameState(signedSources(state), readSources(connection)));
  }

  /**
   * Brings the index to a state of the vault. Only what changed is read: folders whose signed digest is the same are passed over, and
   * of the others the metadata with another digest.
   * @param state verified, where it is signed
   * @throws VaultError the codes of {@link LedgerDatabase.read}; what reading the vault throws
   */
  refresh(state: VaultState): Promise<Refreshed> {
    return this.#bringTo(state, false);
  }

  /** Fills the index from the vault, whatever it holds. @throws VaultError as {@link refresh} */
  rebuild(state: VaultState): Promise<Refreshed> {
    return this.#bringTo(state, true);
  }

  /** The secrets that fit, with all but their values. @throws VaultError `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`, and as {@link refresh} */
  async query(query: SecretQuery = {}): Promise<SecretPage> {
    const vault = await import("@agent-vault/vault");
    return this.#database.read((connection) => findSecrets(connection, query, vault));
  }

  /** The agents, in the manifest's order. */
  agents(): Promise<IndexedAgent[]> {
    return this.#database.read(findAgents);
  }

  /** The owners, in the manifest's order. */
  owners(): Promise<{ owner: string; recipient: string }[]> {
    return this.#database.read(findOwners);
  }

  async #bringTo(state: VaultState, fromScratch: boolean): Promise<Refreshed> {
    const yieldToEventLoop = (done: number, total: number) => this.#yieldToEventLoop(done, total);
    for (;;) {
      const indexed = await this.#database.read((connection) => readIndexedState(connection, state));
      const nothing = { sources: new Map<string, string>(), secrets: new Map() };
      const plan = await planSecrets(state, fromScratch ? nothing : indexed, yieldToEventLoop);
      if (plan === undefined) return { updated: 0, removed: 0, total: indexed.total };
      const result = await this.#database.write((connection) => {
        // Another process has refreshed meanwhile, so the plan is not the difference any more.
        if (generationOf(connection) !== indexed.generation) return undefined;
        if (fromScratch) for (const table of TABLES) connection.exec(`DELETE FROM ${table}`);
        return writeRows(connection, plan, yieldToEventLoop);
      });
      if (result) return result;
    }
  }

  async #yieldToEventLoop(done: number, total: number): Promise<void> {
    this.#context.progress?.({ step: "Indexing", done, total });
    await new Promise((resume) => setImmediate(resume));
  }
}
